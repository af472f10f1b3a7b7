/** Outlines of 24 by 24, drawn in the colour of the text around them. */
const paths = {
  home: 'M4 11.5 12 5l8 6.5V19a1 1 0 0 1-1 1h-4v-5.5h-6V20H5a1 1 0 0 1-1-1z',
  search: 'M11 18a7 7 0 1 1 0-14 7 7 0 0 1 0 14zm5-2 4.5 4.5',
  library: 'M5 4v16M10 4v16M15 4.5l4.5 15',
  rooms:
    'M4 6.5A1.5 1.5 0 0 1 5.5 5h13A1.5 1.5 0 0 1 20 6.5v9a1.5 1.5 0 0 1-1.5 1.5H11l-5 4v-4h-.5A1.5 1.5 0 0 1 4 15.5z',
  inbox: 'M6 16V11a6 6 0 0 1 12 0v5l1.5 2h-15zM10 20.5h4',
  upload: 'M12 16V5m-4.5 4L12 4.5 16.5 9M5 15.500V19a1 1 0 0 0 1 1h12a1 1 0 0 0 1-1v-3.5',
  settings: 'M4 7h9m4 0h3M4 17h3m4 0h9M15 4.500v5M9 14.500v5',
  status: 'M3.5 13H8l2.5-7 4 12 2-5h4',
  signOut:
    'M14 8V5.500a1 1 0 0 0-1-1H6a1 1 0 0 0-1 1v13a1 1 0 0 0 1 1h7a1 1 0 0 0 1-1V16M10 12h10m-3-3.5 3.5 3.5-3.5 3.5',
  play: 'M7.5 4.800v14.400L19.5 12z',
  pause: 'M8 5v14M16 5v14',
  next: 'M6 5.500v13L15 12zM18 5.500v13',
  previous: 'M18 5.500v13L9 12zM6 5.500v13',
  volume: 'M4 9.500h3.500L12 5.500v13l-4.5-4H4zM15.5 9a4.5 4.5 0 0 1 0 6M18 6.500a8 8 0 0 1 0 11',
  muted: 'M4 9.500h3.500L12 5.500v13l-4.5-4H4zM16 10l4.5 4.500M20.5 10 16 14.5',
  heart:
    'M12 19.500S4.5 15 4.5 9.700A4.2 4.2 0 0 1 12 7.200a4.2 4.2 0 0 1 7.5 2.500C19.5 15 12 19.5 12 19.500z',
  queue: 'M4 7h11M4 12h11M4 17h7M17 13.500v6l4-3z',
  close: 'M6.5 6.500l11 11M17.5 6.500l-11 11',
  send: 'M4.5 12 20 4.5 15.5 20l-3.5-6.500zM12 13.5 20 4.5',
  reply: 'M9 7 4.5 11.5 9 16M5 11.500h8.500a6 6 0 0 1 6 6V19',
  edit: 'M5 19h3.500L19 8.5 15.5 5 5 15.500zM13 7.5 16.5 11',
  trash: 'M5 7h14M9.5 7V4.500h5V7M7 7l.8 12.500h8.400L17 7',
  smile: 'M12 20.500a8.5 8.5 0 1 1 0-17 8.5 8.5 0 0 1 0 17zM8.5 14a4 4 0 0 0 7 0M9 9.500v.01M15 9.500v.01',
  flag: 'M6 21V4.500h11.500L15 9l2.5 4.500H6',
  more: 'M6 12v.01M12 12v.01M18 12v.01',
  check: 'M5 12.5 10 17.5 19.5 7',
  plus: 'M12 5v14M5 12h14',
  retry: 'M19 12a7 7 0 1 1-2-5M19.5 4v4.500H15',
  down: 'M6 10l6 6 6-6',
  up: 'M6 14l6-6 6 6',
  people:
    'M9 11.500a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 19.500a6.5 6.5 0 0 1 13 0M16 5a3.5 3.5 0 0 1 0 6.500M18 14a6.5 6.5 0 0 1 3.5 5.5',
  lock: 'M6.5 11h11v9h-11zM8.5 11V8a3.5 3.5 0 0 1 7 0v3',
} as const

export type IconName = keyof typeof paths
const filled: readonly IconName[] = ['play']

/** An ornament: what it stands for is said by the text or the label beside it. */
export const Icon = ({ name, full = filled.includes(name) }: { name: IconName; full?: boolean }) => (
  <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" data-full={full ? 'yes' : undefined}>
    <path d={paths[name]} />
  </svg>
)
