/** The name, with bars of sound before it. */
export const Wordmark = () => (
  <span class="wordmark">
    <svg viewBox="0 0 64 64" aria-hidden="true">
      <rect width="64" height="64" rx="16" />
      <path d="M14 27v10M23 20v24M32 13v38M41 22v20M50 28v8" />
    </svg>
    Veza
  </span>
)
