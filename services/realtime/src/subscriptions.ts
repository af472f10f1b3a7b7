import { parseChannel, parseTrackChannel } from '@veza/contracts'
import { admit } from './admission.ts'
import { type Client, Refused } from './client.ts'
import { type Follower } from './listeners.ts'
import { errors, insufficientState, serverUnsubscribe } from './protocol/codes.ts'
import { type SubscribeCommand } from './protocol/commands.ts'
import { type Publication } from './protocol/replies.ts'
import { resume } from './rooms/resume.ts'
import { type Room, type Subscriber, joinLeaveChannel } from './rooms/room.ts'
import { type SessionContext, type Socket } from './session-context.ts'

/** The rooms that a connection follows, and the tracks of which it is told who hears them. */
export class Subscriptions implements Subscriber {
  readonly #context: SessionContext
  readonly #client: Client
  readonly #socket: Socket
  readonly #rooms = new Map<string, Room>()
  /** Of tracks whose listeners it is told of, by channel; undefined = none, as mostly. */
  #tracks: Map<string, Follower> | undefined
  /** The last of the commands of a channel that are under way; undefined = none, as mostly. */
  #pending: Map<string, Promise<void>> | undefined
  /** Rooms that the user has left while a subscription to them was under way; undefined = none, as mostly. */
  #left: Set<string> | undefined

  constructor(context: SessionContext, client: Client, socket: Socket) {
    this.#context = context
    this.#client = client
    this.#socket = socket
  }

  /** Answers at once if nothing has to be asked, else later; commands of one channel are handled one by one. */
  subscribe(command: SubscribeCommand): void {
    this.#inOrder(command.channel, () => this.#subscribe(command))
  }

  /** Answers. It is no error to unsubscribe from what was not subscribed to. */
  unsubscribe(id: number, channel: string): void {
    this.#inOrder(channel, () => {
      const room = this.#rooms.get(channel)
      if (room !== undefined) {
        this.#drop(room)
        this.#context.rooms.leave(room, this)
      }
      this.#unfollow(channel)
      this.#client.send({ type: 'unsubscribe', id })
    })
  }

  resubscribe(channel: string): void {
    const room = this.#rooms.get(channel)
    if (room !== undefined) this.#drop(room)
    this.#client.send({ type: 'unsubscribed', channel, advice: insufficientState })
  }

  isSlow(): boolean {
    return this.#socket.isSlow()
  }

  pause(channel: string): void {
    this.#socket.unsubscribe(channel)
  }

  listen(channel: string): void {
    this.#socket.subscribe(channel)
  }

  /**
   * The user has left the room, which may be told late: they are shown nothing more, and chat is asked whether they are a
   * member again. If so, or if chat can't say, the client is to subscribe anew.
   */
  expel(channel: string): void {
    if (this.#pending?.has(channel) === true) (this.#left ??= new Set()).add(channel)
    const room = this.#rooms.get(channel)
    if (room === undefined) return
    this.#context.rooms.leave(room, this)
    this.#drop(room)
    this.#inOrder(channel, () => this.#end(room))
  }

  has(channel: string): boolean {
    return this.#rooms.has(channel)
  }

  /** The connection is gone, and with it what the library sent it. */
  leaveAll(): void {
    for (const room of this.#rooms.values()) {
      this.#context.rooms.leave(room, this)
      this.#context.presence.leave(room.id, this.#client.clientId)
    }
    this.#rooms.clear()
    for (const follower of this.#tracks?.values() ?? []) this.#context.listeners.unfollow(follower)
    this.#tracks = undefined
  }

  #drop(room: Room): void {
    this.#rooms.delete(room.channel)
    this.#socket.unsubscribe(room.channel)
    this.#socket.unsubscribe(joinLeaveChannel(room.channel))
    this.#context.presence.leave(room.id, this.#client.clientId)
  }

  async #end({ id, channel }: Room): Promise<void> {
    const isOut = await this.#context.membership.ask(id, this.#client.userId).then(
      ({ role }) => role === null,
      (error: unknown) => {
        this.#context.report(error)
        return false
      },
    )
    if (this.#client.isClosed()) return
    this.#client.send({
      type: 'unsubscribed',
      channel,
      advice: isOut ? serverUnsubscribe : insufficientState,
    })
  }

  #inOrder(channel: string, run: () => undefined | Promise<void>): void {
    const before = this.#pending?.get(channel)
    const running =
      before === undefined ? run() : before.then(() => (this.#client.isClosed() ? undefined : run()))
    if (running === undefined) return
    const pending = (this.#pending ??= new Map())
    const settled = running.finally(() => {
      if (pending.get(channel) === settled) pending.delete(channel)
      if (pending.size === 0 && this.#pending === pending) this.#pending = undefined
    })
    pending.set(channel, settled)
  }

  #subscribe(command: SubscribeCommand): undefined | Promise<void> {
    try {
      const trackId = parseTrackChannel(command.channel)
      if (trackId !== undefined) return this.#follow(command, trackId)
      const room = this.#context.rooms.hold(this.#roomOf(command.channel))
      // That was before this command.
      this.#left?.delete(command.channel)
      const isKnown =
        room.epoch !== undefined && this.#context.membership.isMember(room.id, this.#client.userId)
      if (!isKnown || command.since !== undefined) return this.#enter(command, room)
      this.#commit(command, room, undefined)
      this.#context.rooms.release(room)
    } catch (error) {
      this.#client.fail(command.id, error)
    }
    return undefined
  }

  #roomOf(channel: string): string {
    const target = parseChannel(channel)
    if (target === undefined) throw new Refused(errors.unknownChannel)
    // The server subscribes its owner, and nobody else may.
    const isOwn = target.kind === 'user' && target.id === this.#client.userId
    if (isOwn || this.#rooms.has(channel)) throw new Refused(errors.alreadySubscribed)
    if (target.kind === 'user') throw new Refused(errors.permissionDenied)
    this.#assertRoom()
    return target.id
  }

  #assertRoom(): void {
    const count = this.#rooms.size + (this.#tracks?.size ?? 0) + (this.#pending?.size ?? 0)
    if (count >= this.#context.settings.maxSubscriptions) throw new Refused(errors.limitExceeded)
  }

  #follow({ id, channel }: SubscribeCommand, trackId: string): Promise<void> {
    const { listeners, mayHear } = this.#context
    if (this.#tracks?.has(channel) === true) throw new Refused(errors.alreadySubscribed)
    this.#assertRoom()
    const { userId } = this.#client
    return mayHear([{ trackId, userId }])
      .then(([may]) => {
        if (may !== true) throw new Refused(errors.permissionDenied)
        if (this.#client.isClosed()) return
        const follower: Follower = {
          ...{ trackId, userId },
          expel: () => {
            if (this.#tracks?.get(channel) !== follower) return
            this.#unfollow(channel)
            this.#client.send({ type: 'unsubscribed', channel, advice: serverUnsubscribe })
          },
        }
        ;(this.#tracks ??= new Map()).set(channel, follower)
        listeners.follow(follower)
        this.#socket.subscribe(channel)
        this.#client.send({
          type: 'subscribe',
          id,
          result: {
            // A count is not recovered: the one of now is all that there is to know.
            position: { epoch: 'now', offset: 0 },
            wasRecovering: false,
            recovered: false,
            publications: [{ offset: 0, data: listeners.current(trackId) }],
          },
        })
      })
      .catch((error: unknown) => {
        this.#client.fail(id, error)
      })
  }

  #unfollow(channel: string): void {
    const follower = this.#tracks?.get(channel)
    if (follower === undefined) return
    this.#tracks?.delete(channel)
    this.#socket.unsubscribe(channel)
    this.#context.listeners.unfollow(follower)
  }

  async #enter(command: SubscribeCommand, room: Room): Promise<void> {
    try {
      // Chat is asked again when they left meanwhile: what it said may be older than that.
      do {
        await this.#admit(command, room)
      } while (this.#left?.delete(command.channel) === true)
    } catch (error) {
      this.#client.fail(command.id, error)
    } finally {
      this.#context.rooms.release(room)
    }
  }

  async #admit(command: SubscribeCommand, room: Room): Promise<void> {
    const { rooms, filler, source, membership, settings } = this.#context
    if (room.epoch === undefined || !membership.isMember(room.id, this.#client.userId)) {
      const { epoch, offset } = await admit(membership, room.id, this.#client.userId)
      rooms.start(room, epoch, offset)
    }
    if (command.since === undefined) this.#commit(command, room, undefined)
    else {
      await resume({ filler, source, limit: settings.recoveryLimit }, room, command.since, (publications) => {
        this.#commit(command, room, publications)
      })
    }
  }

  // Subscribing and answering belong in one tick: what the room publishes next follows what the reply says.
  #commit(command: SubscribeCommand, room: Room, recovered: readonly Publication[] | undefined): void {
    const { id, channel, since } = command
    if (this.#client.isClosed() || this.#left?.has(channel) === true) return
    if (this.#context.rooms.get(room.id) !== room || room.epoch === undefined)
      throw new Error('the room was dropped')
    if (since !== undefined && recovered === undefined && command.rejectUnrecovered) {
      throw new Refused(errors.unrecoverablePosition)
    }
    this.#rooms.set(channel, room)
    this.#context.rooms.join(room, this)
    this.#socket.subscribe(channel)
    if (command.joinLeave) this.#socket.subscribe(joinLeaveChannel(channel))
    const { clientId, userId } = this.#client
    this.#context.presence.enter(room.id, { client: clientId, user: userId })
    const offset = recovered === undefined || since === undefined ? room.offset : since.offset
    this.#client.send({
      type: 'subscribe',
      id,
      result: {
        position: { epoch: room.epoch, offset },
        wasRecovering: since !== undefined,
        recovered: recovered !== undefined,
        publications: recovered ?? [],
      },
    })
  }
}
