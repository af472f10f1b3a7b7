import { effect } from '@preact/signals'
import { render } from 'preact'
import { App } from './app.tsx'
import { myId, restoreSession, session, sessionStatus } from './api/session.ts'
import { forgetRooms, loadRooms } from './chat/rooms.ts'
import './account/theme.ts'
import { connection, disconnect } from './live/connection.ts'
import { learnPerson } from './people/people.tsx'
import { listenToKeys, speakToSystem } from './player/controls.ts'
import { stopPlayer } from './player/player.ts'
import { forgetUploads, recallUploads } from './uploads/uploads.ts'
import './styles/base.css'
import './styles/controls.css'
import './styles/shell.css'
import './styles/tracks.css'
import './styles/player.css'
import './styles/chat.css'
import './styles/pages.css'

let followed = ''

// What is one person's ends with their session, whichever way it ended.
effect(() => {
  const userId = myId.value
  if (sessionStatus.value === 'restoring' || userId === followed) return
  followed = userId
  if (userId === '') {
    stopPlayer()
    forgetUploads()
    forgetRooms()
    void disconnect()
    return
  }
  const displayName = session.peek()?.displayName ?? ''
  learnPerson(userId, { displayName, handle: null, avatar: {} })
  void connection()
  void loadRooms()
  void recallUploads(userId)
})

listenToKeys()
speakToSystem()
void restoreSession()

const root = document.querySelector('#app')
if (root !== null) render(<App />, root)
