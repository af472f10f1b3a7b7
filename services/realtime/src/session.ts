import { channels } from '@veza/contracts'
import { type Identity, InvalidToken } from '@veza/kit/tokens'
import { randomUUID } from 'node:crypto'
import { type Client, Refused, protocolError } from './client.ts'
import { history } from './history.ts'
import { type Disconnect, disconnects, errors } from './protocol/codes.ts'
import { type Command, type ConnectCommand } from './protocol/commands.ts'
import { type Encoding } from './protocol/encoding.ts'
import { type Reply, type SubscribeResult, ttl } from './protocol/replies.ts'
import { publish } from './publish.ts'
import { answerQuestion } from './questions.ts'
import { call } from './rpc.ts'
import { type SessionContext, type Socket } from './session-context.ts'
import { Subscriptions } from './subscriptions.ts'
import { type TokenBucket, createBucket, takeToken } from '@veza/kit/limits'
import { type Connection } from './users.ts'

/** What the server says of itself in the connect reply. */
const version = 'veza'

type Answered = Exclude<Command, { type: 'pong' | 'send' }>

/**
 * A connection's state: new, connecting, connected, refused (its connect command failed) or closed. Frames go in by
 * `receive`, time by `tick`; everything that comes out goes to the socket.
 */
export class Session implements Client, Connection {
  readonly #context: SessionContext
  readonly #socket: Socket
  readonly #encoding: Encoding
  readonly #openedAt: number
  readonly clientId = randomUUID()
  readonly #commands: TokenBucket
  /** Undefined until a command is refused. */
  #refusals: TokenBucket | undefined
  readonly #subscriptions: Subscriptions
  #state: 'new' | 'connecting' | 'connected' | 'refused' | 'closed' = 'new'
  #identity: Identity | undefined
  #nextPingAt = Infinity
  /** 0 = no pong is awaited. */
  #pingSentAt = 0
  /** Commands that came while the token was being verified; undefined = none. */
  #backlog: Command[] | undefined
  /** Replies to the frame being read; undefined between frames. */
  #replies: Reply[] | undefined

  constructor(context: SessionContext, socket: Socket, encoding: Encoding) {
    this.#context = context
    this.#socket = socket
    this.#encoding = encoding
    const now = context.now()
    this.#openedAt = now
    this.#commands = createBucket(context.settings.commandRate, now)
    this.#subscriptions = new Subscriptions(context, this, socket)
  }

  /** Reads a frame. What can be answered at once is answered in one frame. */
  receive(frame: ArrayBuffer): void {
    if (this.#state === 'closed') return
    this.#replies = []
    for (const command of this.#encoding.decode(frame)) {
      if (command === undefined) this.close(disconnects.badRequest)
      else this.#take(command)
      if (this.isClosed()) return
    }
    this.#flush()
  }

  /** Sends a ping, or closes what has been silent, unauthenticated or expired for too long. */
  tick(now: number): void {
    const { connectDeadlineMs, pingIntervalMs, pongTimeoutMs, expiryGraceMs } = this.#context.settings
    if (this.#state !== 'connected') {
      if (this.#state !== 'closed' && now - this.#openedAt > connectDeadlineMs) this.close(disconnects.stale)
      return
    }
    if (this.#pingSentAt !== 0 && now - this.#pingSentAt > pongTimeoutMs) {
      this.close(disconnects.noPong)
    } else if (this.#identity !== undefined && now > this.#identity.expiresAt * 1000 + expiryGraceMs) {
      this.close(disconnects.expired)
    } else if (now >= this.#nextPingAt) {
      this.#nextPingAt = now + pingIntervalMs
      this.#pingSentAt = now
      this.send({ type: 'ping' })
    }
  }

  /** Sends what is due and closes the connection. */
  close({ code, reason }: Disconnect): void {
    if (this.#state === 'closed') return
    this.#flush()
    this.closed()
    this.#socket.end(code, reason)
  }

  expel(channel: string): void {
    this.#subscriptions.expel(channel)
  }

  /** The connection is gone. */
  closed(): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#replies = undefined
    this.#backlog = undefined
    this.#subscriptions.leaveAll()
    if (this.#identity === undefined) return
    this.#context.users.remove(this.#identity.userId, this)
    this.#context.userLogs.leave(this.#identity.userId)
  }

  // A method, so that the compiler does not take the state for what it was before a call.
  isClosed(): boolean {
    return this.#state === 'closed'
  }

  get sessionId(): string {
    return this.#identity?.sessionId ?? ''
  }

  get userId(): string {
    return this.#identity?.userId ?? ''
  }

  send(reply: Reply): void {
    if (this.#replies === undefined) this.#socket.send(this.#encoding.encode([reply]))
    else this.#replies.push(reply)
  }

  #flush(): void {
    const replies = this.#replies
    this.#replies = undefined
    if (replies !== undefined && replies.length > 0) this.#socket.send(this.#encoding.encode(replies))
  }

  fail(id: number, error: unknown): void {
    if (this.isClosed()) return
    this.send({ type: 'error', id, error: protocolError(error, this.#context.report) })
  }

  #take(command: Command): void {
    if (this.#state === 'connecting') {
      const backlog = (this.#backlog ??= [])
      if (backlog.length < this.#context.settings.commandRate.burst) backlog.push(command)
      else this.close(disconnects.tooManyRequests)
      return
    }
    if (this.#state === 'refused' || (this.#state === 'connected') === (command.type === 'connect')) {
      this.close(disconnects.badRequest)
    } else if (command.type === 'pong') {
      // A pong that nobody asked for is malformed to Centrifugo too.
      if (this.#pingSentAt === 0) this.close(disconnects.badRequest)
      this.#pingSentAt = 0
    } else if (command.type === 'send') {
      this.close(disconnects.notAvailable)
    } else if (this.#isWithinRate(command)) {
      this.#handle(command)
    }
  }

  #isWithinRate(command: Answered): boolean {
    const { settings, now } = this.#context
    if (takeToken(this.#commands, settings.commandRate, now())) return true
    this.#refusals ??= createBucket(settings.commandRate, now())
    if (takeToken(this.#refusals, settings.commandRate, now()))
      this.fail(command.id, new Refused(errors.tooManyRequests))
    else this.close(disconnects.tooManyRequests)
    return false
  }

  #handle(command: Answered): void {
    switch (command.type) {
      case 'connect':
        this.#state = 'connecting'
        void this.#connect(command)
        return
      case 'publish':
        publish(this.#context, this, command)
        return
      case 'subscribe':
        this.#subscriptions.subscribe(command)
        return
      case 'unsubscribe':
        this.#subscriptions.unsubscribe(command.id, command.channel)
        return
      case 'history':
        void history(this.#context, this, command)
        return
      case 'refresh':
        void this.#refresh(command.id, command.token)
        return
      case 'presence':
      case 'presence_stats':
      case 'sub_refresh':
        void answerQuestion(this.#context, this, this.#subscriptions, command)
        return
      case 'rpc':
        call(this.#context, this, this.#subscriptions, command)
    }
  }

  async #connect({ id, token, since }: ConnectCommand): Promise<void> {
    const { tokens, users, userLogs, settings } = this.#context
    let identity: Identity
    try {
      identity = await tokens.verify(token)
    } catch (error) {
      this.#refuse(id, error)
      return
    }
    if (this.isClosed()) return
    if (users.isRevoked(identity.sessionId)) {
      this.close(disconnects.invalidToken)
      return
    }
    if (!users.add(identity.userId, this, settings.maxConnectionsPerUser)) {
      this.close(disconnects.connectionLimit)
      return
    }
    this.#identity = identity
    const channel = channels.user(identity.userId)
    try {
      await userLogs.enter(identity.userId, since.get(channel), (subscription) => {
        if (!this.isClosed()) this.#welcome(id, identity, { [channel]: subscription })
      })
    } catch (error) {
      this.#refuse(id, error)
    }
  }

  // In the tick in which the subscription is exact.
  #welcome(id: number, identity: Identity, subs: Readonly<Record<string, SubscribeResult>>): void {
    const { settings, now } = this.#context
    this.#state = 'connected'
    // Spread from the first ping on, since many connect at the same moment after an edge was lost.
    this.#nextPingAt = now() + settings.pingIntervalMs * (0.5 + Math.random() / 2)
    for (const channel of Object.keys(subs)) this.#socket.subscribe(channel)
    this.#replies = []
    this.send({
      type: 'connect',
      id,
      result: {
        client: this.clientId,
        version,
        subs,
        expires: true,
        ttl: ttl(identity.expiresAt, now()),
        ping: Math.ceil(settings.pingIntervalMs / 1000),
        pong: true,
      },
    })
    const backlog = this.#backlog
    this.#backlog = undefined
    for (const command of backlog ?? []) if (!this.isClosed()) this.#take(command)
    this.#flush()
  }

  #refuse(id: number, error: unknown): void {
    if (this.isClosed()) return
    if (error instanceof InvalidToken && error.code === 'invalid') {
      this.close(disconnects.invalidToken)
      return
    }
    this.#state = 'refused'
    this.#backlog = undefined
    this.fail(id, error instanceof InvalidToken ? new Refused(errors.tokenExpired) : error)
  }

  async #refresh(id: number, token: string): Promise<void> {
    try {
      const identity = await this.#context.tokens.verify(token)
      if (this.isClosed()) return
      if (identity.userId !== this.#identity?.userId) {
        this.close(disconnects.invalidToken)
        return
      }
      this.#identity = identity
      this.send({
        type: 'refresh',
        id,
        result: {
          client: this.clientId,
          expires: true,
          ttl: ttl(identity.expiresAt, this.#context.now()),
        },
      })
    } catch (error) {
      if (error instanceof InvalidToken) {
        this.close(error.code === 'expired' ? disconnects.expired : disconnects.invalidToken)
      } else this.fail(id, error)
    }
  }
}
