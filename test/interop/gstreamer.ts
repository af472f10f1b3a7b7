import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)

const packages = ['gstreamer1.0-tools', 'gstreamer1.0-plugins-good', 'gstreamer1.0-plugins-bad']
/** An HLS client, a demuxer and a decoder none of which is FFmpeg's. */
const elements = ['souphttpsrc', 'hlsdemux', 'qtdemux', 'aacparse', 'faad']

const isThere = async (): Promise<boolean> => {
  try {
    for (const element of elements) await run('gst-inspect-1.0', ['--exists', element])
    return true
  } catch {
    return false
  }
}

/** On Debian and Ubuntu, as root, it is installed where it is missing. @throws Error that says how to get it */
const ensureGStreamer = async (): Promise<void> => {
  if (await isThere()) return
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  // Another test, or the system itself, may be installing at this moment.
  const patience = ['-o', 'DPkg::Lock::Timeout=300', '-o', 'Acquire::Retries=3']
  try {
    await run('apt-get', ['update', '-qq', ...patience], { env })
    await run('apt-get', ['install', '-qy', '--no-install-recommends', ...patience, ...packages], { env })
  } catch (cause) {
    throw new Error(`install GStreamer (apt-get install ${packages.join(' ')})`, { cause })
  }
}

/**
 * Plays an HLS stream to its end, as GStreamer does.
 *
 * @param playlist of a rendition, or the master
 * @param file where its sound goes meanwhile
 * @returns its sound, one channel at 48 kHz, and what GStreamer had to say
 */
export const listenByGStreamer = async (
  playlist: string,
  file: string,
): Promise<{ samples: Int16Array; warnings: string }> => {
  await ensureGStreamer()
  const pipeline =
    `souphttpsrc location=${playlist} ! hlsdemux ! qtdemux ! aacparse ! faad ! audioconvert ! audioresample ! ` +
    `audio/x-raw,format=S16LE,rate=48000,channels=1 ! filesink location=${file}`
  const { stdout, stderr } = await run('gst-launch-1.0', ['--quiet', ...pipeline.split(' ')], {
    timeout: 60_000,
    env: { ...process.env, GST_DEBUG: '1', GST_DEBUG_NO_COLOR: '1' },
  })
  return { samples: new Int16Array(new Uint8Array(await readFile(file)).buffer), warnings: stdout + stderr }
}
