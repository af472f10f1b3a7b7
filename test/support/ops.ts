import { inject } from 'vitest'
import { callOps } from '../../deploy/ops/testing/call-ops.ts'

/** A command for operators on the stack under test (`npm run ops -- …`). Throws with what it printed when it fails. */
export const ops = async (...args: string[]): Promise<void> => {
  const { code, output, errors } = await callOps(args, { VEZA_DIR: inject('veza').dataDir })
  if (code !== 0) throw new Error(output + errors)
}
