import { type ComponentChildren } from 'preact'
import lazy from 'preact-iso/lazy'
import { LocationProvider, Route, Router, useLocation } from 'preact-iso/router'
import { useEffect } from 'preact/hooks'
import { sessionStatus, signOut } from './api/session.ts'
import { waitingTotal } from './chat/rooms.ts'
import { SignPage } from './account/sign-page.tsx'
import { words } from './i18n/index.ts'
import { liveness } from './live/connection.ts'
import { HomePage } from './tracks/home-page.tsx'
import { Empty, IconButton, Loading } from './ui/controls.tsx'
import { Icon, type IconName } from './ui/icon.tsx'
import { Wordmark } from './ui/wordmark.tsx'
import { UploadPanel } from './uploads/upload-panel.tsx'
import { PlayerBar } from './player/player-bar.tsx'

const TrackPage = lazy(async () => (await import('./tracks/track-page.tsx')).TrackPage)
const RoomsPage = lazy(async () => (await import('./chat/rooms-page.tsx')).RoomsPage)
const RoomPage = lazy(async () => (await import('./chat/room-page.tsx')).RoomPage)

const NavLink = ({
  href,
  icon,
  children,
  count = 0,
}: {
  href: string
  icon: IconName
  children: string
  count?: number
}) => {
  const { path } = useLocation()
  const isCurrent = href === '/' ? path === '/' : path.startsWith(href)
  return (
    <a class="nav-link" href={href} aria-current={isCurrent ? 'page' : undefined}>
      <Icon name={icon} />
      <span class="nav-text">{children}</span>
      {count > 0 && <span class="count count-loud">{count > 99 ? '99+' : count}</span>}
    </a>
  )
}

const Shell = ({ children }: { children: ComponentChildren }) => {
  const { app, nav } = words.value
  return (
    <>
      <a class="skip" href="#content">
        {app.skip}
      </a>
      <div class="shell">
        <nav class="nav" aria-label={app.menu}>
          <a class="nav-home" href="/" aria-label="Veza">
            <Wordmark />
          </a>
          <NavLink href="/" icon="home">
            {nav.home}
          </NavLink>
          <NavLink href="/rooms" icon="rooms" count={waitingTotal.value}>
            {nav.rooms}
          </NavLink>
          <span class="nav-space" />
          <IconButton class="nav-out" icon="signOut" label={nav.signOut} onClick={() => void signOut()} />
        </nav>
        <main id="content" tabIndex={-1}>
          {liveness.value === 'connecting' && (
            <p class="offline" role="status">
              {app.offline}
            </p>
          )}
          {children}
        </main>
      </div>
      <div class="dock">
        <UploadPanel />
        <PlayerBar />
      </div>
    </>
  )
}

const NotFound = () => (
  <div class="page">
    <h1>{words.value.app.nothingHere}</h1>
    <Empty why={words.value.app.nothingHereWhy}>
      <a class="button" href="/">
        {words.value.app.toHome}
      </a>
    </Empty>
  </div>
)

const Pages = () => {
  const { path } = useLocation()
  useEffect(() => {
    // Whoever listens to the page is told that it is another one, and the keyboard begins at its top.
    document.querySelector('#content')?.scrollTo(0, 0)
    scrollTo(0, 0)
  }, [path])
  return (
    <Router>
      <Route path="/" component={HomePage} />
      <Route path="/tracks/:trackId" component={TrackPage} />
      <Route path="/rooms" component={RoomsPage} />
      <Route path="/rooms/:roomId" component={RoomPage} />
      <Route default component={NotFound} />
    </Router>
  )
}

export const App = () => {
  const status = sessionStatus.value
  if (status === 'out') return <SignPage />
  return (
    <LocationProvider>
      <Shell>{status === 'restoring' ? <Loading /> : <Pages />}</Shell>
    </LocationProvider>
  )
}
