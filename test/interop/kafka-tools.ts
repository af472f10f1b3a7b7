import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findJava, installPrograms } from '@veza/deploy/launcher'
import { programsDir } from '../stack/data-dir.ts'

/** The classes that the scripts of Kafka's distribution run. */
const tools = {
  'kafka-console-consumer.sh': 'org.apache.kafka.tools.consumer.ConsoleConsumer',
  'kafka-get-offsets.sh': 'org.apache.kafka.tools.GetOffsetShell',
} as const

/**
 * Makes the programs of Kafka's distribution that examples call, of the jars that the launcher runs its broker from.
 *
 * @returns the folder to have on the PATH
 */
export const kafkaTools = async (folder: string, progress: (line: string) => void): Promise<string> => {
  const java = findJava(process.env)
  if (java === undefined) throw new Error('a JDK is needed: install one, or set JAVA_HOME')
  const { kafka } = await installPrograms({ programsDir, wanted: ['kafka'], javaHome: java.home, progress })
  const logging = join(import.meta.dirname, '../../deploy/local/kafka/log4j2.properties')
  mkdirSync(folder, { recursive: true })
  for (const [name, mainClass] of Object.entries(tools)) {
    const call = `'${java.home}/bin/java' -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dlog4j2.configurationFile='${logging}'`
    writeFileSync(join(folder, name), `#!/bin/sh\nexec ${call} -cp '${kafka}/*' ${mainClass} "$@"\n`, {
      mode: 0o755,
    })
  }
  return folder
}
