import { execFile, spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => {
        resolve(port)
      })
    })
  })

/** On Debian and Ubuntu, as root, nginx is installed where it is missing. @throws Error that says how to get it */
const ensureNginx = async (say: (line: string) => void): Promise<void> => {
  const isThere = () =>
    run('nginx', ['-v']).then(
      () => true,
      () => false,
    )
  if (await isThere()) return
  say('nginx is missing: installing nginx-light with apt-get')
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  try {
    await run('apt-get', ['update', '-qq'], { env })
    await run('apt-get', ['install', '-qy', '--no-install-recommends', 'nginx-light'], { env })
  } catch (cause) {
    throw new Error('nginx could not be installed: install it (apt-get install nginx-light)', { cause })
  }
}

/** nginx, one worker. */
export interface Nginx {
  readonly url: string
  /** Of its worker, which does the work. */
  readonly pid: number
  stop(): Promise<void>
}

/**
 * Starts nginx in front of a folder of objects: `/media/…` has them as they are, everything else is asked of `behind`, whose
 * X-Accel-Redirect names them under `/objects/`.
 */
export const startNginx = async (
  { objects, behind }: { objects: string; behind: string },
  say: (line: string) => void,
): Promise<Nginx> => {
  await ensureNginx(say)
  const dir = await mkdtemp(join(tmpdir(), 'veza-nginx-'))
  const port = await freePort()
  for (const folder of ['body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']) await mkdir(join(dir, folder))
  const temporary = ['body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((folder) => `${folder === 'body' ? 'client_body' : folder}_temp_path ${dir}/${folder};`)
    .join(' ')
  const user = process.getuid?.() === 0 ? 'user root;' : ''
  const config = `
    ${user} worker_processes 1; worker_rlimit_nofile 20000; pid ${dir}/pid; error_log ${dir}/error.log; daemon off;
    events { worker_connections 8192; }
    http {
      access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; open_file_cache max=10000; ${temporary}
      types { application/vnd.apple.mpegurl m3u8; audio/mp4 m4s mp4; }
      upstream veza { server ${new URL(behind).host}; keepalive 64; }
      server {
        listen 127.0.0.1:${port} backlog=4096;
        location /media/ { root ${objects}; }
        location /objects/ { internal; alias ${objects}/; }
        location / { proxy_pass http://veza; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host:$server_port; }
      }
    }`
  await writeFile(join(dir, 'nginx.conf'), config)
  const child = spawn('nginx', ['-c', join(dir, 'nginx.conf'), '-e', join(dir, 'error.log')], {
    stdio: 'ignore',
  })
  const ended = new Promise<void>((resolve) =>
    child.once('exit', () => {
      resolve()
    }),
  )
  const url = `http://127.0.0.1:${port}`
  const isUp = () =>
    fetch(`${url}/media/`).then(
      () => true,
      () => false,
    )
  for (let attempt = 0; !(await isUp()); attempt++) {
    if (attempt === 100 || child.exitCode !== null) throw new Error('nginx did not start')
    await delay(50)
  }
  const { stdout } = await run('ps', ['-o', 'pid=', '--ppid', String(child.pid)])
  return {
    url,
    pid: Number(stdout.trim().split('\n')[0]),
    async stop() {
      child.kill('SIGQUIT')
      const patience = setTimeout(() => child.kill('SIGKILL'), 2_000)
      await ended
      clearTimeout(patience)
      await rm(dir, { recursive: true, force: true })
    },
  }
}
