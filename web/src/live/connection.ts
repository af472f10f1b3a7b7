import { signal } from '@preact/signals'
import { type Centrifuge } from 'centrifuge'
import { accessToken, endSession, refresh } from '../api/session.ts'
import { type OwnPublication } from './publications.ts'

/** Whether what happens is seen as it happens. `lost`: it has not been for some seconds. */
export const liveness = signal<'off' | 'connecting' | 'live' | 'lost'>('off')

/** A connection that comes back at once is nothing to speak of. */
const patienceMs = 2_000

/** Where the WebSocket edge is: as the server says, or at the page's own origin. */
const edgeUrl = (): string => {
  const said = document.querySelector<HTMLMetaElement>('meta[name="veza-realtime"]')?.content ?? ''
  return said === '' ? `${location.origin.replace(/^http/, 'ws')}/connection/websocket` : said
}

type Listener = (publication: OwnPublication) => void
const listeners = new Set<Listener>()
const reloaders = new Set<() => void>()

let connecting: Promise<Centrifuge> | undefined

const connect = async (): Promise<Centrifuge> => {
  const { Centrifuge, UnauthorizedError } = await import('centrifuge')
  const token = async (isNew: boolean): Promise<string> => {
    const fresh = isNew ? (await refresh())?.accessToken : await accessToken()
    // Signed out meanwhile: the client must not try for ever.
    if (fresh === undefined) throw new UnauthorizedError('signed out')
    return fresh
  }
  let isFirst = true
  const client = new Centrifuge(edgeUrl(), {
    getToken: () => {
      // Asked again, the edge found the last one too old.
      const again = token(!isFirst)
      isFirst = false
      return again
    },
  })
  client.on('connecting', () => {
    liveness.value = 'connecting'
    setTimeout(() => {
      if (liveness.value === 'connecting') liveness.value = 'lost'
    }, patienceMs)
  })
  client.on('connected', () => {
    liveness.value = 'live'
  })
  client.on('disconnected', ({ code }) => {
    liveness.value = 'off'
    // The session was ended elsewhere (3503), or its token is refused for good.
    if (code === 3503 || code === 3500) endSession()
  })
  client.on('publication', ({ channel, data }) => {
    if (channel.startsWith('user:')) for (const listener of listeners) listener(data as OwnPublication)
  })
  client.on('subscribed', ({ channel, wasRecovering, recovered }) => {
    if (channel.startsWith('user:') && wasRecovering && !recovered) for (const reload of reloaders) reload()
  })
  client.connect()
  return client
}

/** The one connection of this tab, opened when it is first needed. */
export const connection = (): Promise<Centrifuge> => {
  connecting ??= connect()
  return connecting
}

/** Closes it; the next to ask opens another. */
export const disconnect = async (): Promise<void> => {
  const client = await connecting
  connecting = undefined
  client?.disconnect()
  client?.removeAllListeners()
  liveness.value = 'off'
}

/** Follows what the one who is signed in is told. @returns how to end that */
export const onOwn = (listener: Listener): (() => void) => {
  listeners.add(listener)
  return () => {
    listeners.delete(listener)
  }
}

/** Called when more was missed than can be told: what was learnt by `onOwn` is to be loaded anew. */
export const onMissed = (reload: () => void): (() => void) => {
  reloaders.add(reload)
  return () => {
    reloaders.delete(reload)
  }
}

// What the browser knows sooner than the connection does.
addEventListener('online', () => {
  void connecting?.then((client) => {
    client.connect()
  })
})
