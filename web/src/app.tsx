import { type ComponentChildren } from 'preact'
import lazy from 'preact-iso/lazy'
import { LocationProvider, Route, Router, useLocation } from 'preact-iso/router'
import { useEffect } from 'preact/hooks'
import { session, sessionStatus, signOut } from './api/session.ts'
import { waitingTotal } from './chat/rooms.ts'
import { SignPage } from './account/sign-page.tsx'
import { words } from './i18n/index.ts'
import { liveness } from './live/connection.ts'
import { HomePage } from './tracks/home-page.tsx'
import { Empty, Loading } from './ui/controls.tsx'
import { Icon, type IconName } from './ui/icon.tsx'
import { Wordmark } from './ui/wordmark.tsx'
import { UploadPanel } from './uploads/upload-panel.tsx'
import { PlayerBar } from './player/player-bar.tsx'

const TrackPage = lazy(async () => (await import('./tracks/track-page.tsx')).TrackPage)
const RoomsPage = lazy(async () => (await import('./chat/rooms-page.tsx')).RoomsPage)
const RoomPage = lazy(async () => (await import('./chat/room-page.tsx')).RoomPage)

const PersonPage = lazy(async () => (await import('./people/person-page.tsx')).PersonPage)
const SearchPage = lazy(async () => (await import('./people/search-page.tsx')).SearchPage)
const LibraryPage = lazy(async () => (await import('./tracks/library-page.tsx')).LibraryPage)
const PlaylistPage = lazy(async () => (await import('./tracks/playlist-page.tsx')).PlaylistPage)
const InboxPage = lazy(async () => (await import('./chat/inbox-page.tsx')).InboxPage)
const SettingsPage = lazy(async () => (await import('./account/settings-page.tsx')).SettingsPage)
const StatusPage = lazy(async () => (await import('./admin/status-page.tsx')).StatusPage)
const VerifyEmailPage = lazy(async () => (await import('./account/letter-pages.tsx')).VerifyEmailPage)
const ForgotPasswordPage = lazy(async () => (await import('./account/letter-pages.tsx')).ForgotPasswordPage)
const ResetPasswordPage = lazy(async () => (await import('./account/letter-pages.tsx')).ResetPasswordPage)

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
          <NavLink href="/search" icon="search">
            {nav.search}
          </NavLink>
          <NavLink href="/rooms" icon="rooms">
            {nav.rooms}
          </NavLink>
          <NavLink href="/library" icon="library">
            {nav.library}
          </NavLink>
          <NavLink href="/inbox" icon="inbox" count={waitingTotal.value}>
            {nav.inbox}
          </NavLink>
          <span class="nav-space" />
          {(session.value?.roles ?? []).length > 0 && (
            <NavLink href="/status" icon="status">
              {nav.status}
            </NavLink>
          )}
          <NavLink href="/settings" icon="settings">
            {nav.settings}
          </NavLink>
          <button type="button" class="nav-link nav-out" onClick={() => void signOut()}>
            <Icon name="signOut" />
            <span class="nav-text">{nav.signOut}</span>
          </button>
        </nav>
        <main id="content" tabIndex={-1}>
          {liveness.value === 'lost' && (
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
    <Empty>{words.value.app.nothingHereWhy}</Empty>
    <p>
      <a class="button" href="/">
        {words.value.app.toHome}
      </a>
    </p>
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
      <Route path="/people/:userId" component={PersonPage} />
      <Route path="/playlists/:playlistId" component={PlaylistPage} />
      <Route path="/search" component={SearchPage} />
      <Route path="/library" component={LibraryPage} />
      <Route path="/inbox" component={InboxPage} />
      <Route path="/status" component={StatusPage} />
      <Route path="/settings" component={SettingsPage} />
      <Route default component={NotFound} />
    </Router>
  )
}

/** What is for those who are signed in, and before it the door. */
const Gate = () => {
  const status = sessionStatus.value
  if (status === 'out') return <SignPage />
  return <Shell>{status === 'restoring' ? <Loading /> : <Pages />}</Shell>
}

const letters = ['/verify-email', '/forgot-password', '/reset-password']

/** Where letters lead is open to all, whether they are signed in or not. */
const Doors = () =>
  letters.includes(useLocation().path) ? (
    <Router>
      <Route path="/verify-email" component={VerifyEmailPage} />
      <Route path="/forgot-password" component={ForgotPasswordPage} />
      <Route path="/reset-password" component={ResetPasswordPage} />
    </Router>
  ) : (
    <Gate />
  )

export const App = () => (
  <LocationProvider>
    <Doors />
  </LocationProvider>
)
