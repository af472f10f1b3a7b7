/** A number that is always the same for the same text (FNV-1a). */
const hashOf = (text: string): number => {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return hash >>> 0
}

/** A track's picture, or bars in two colours of its own. */
export const Cover = ({
  seed,
  url,
  class: name = '',
}: {
  seed: string
  url?: string | undefined
  class?: string
}) => {
  if (url !== undefined) return <img class={`cover ${name}`} src={url} alt="" loading="lazy" />
  const hash = hashOf(seed)
  const hue = hash % 360
  const bars = Array.from({ length: 7 }, (_, at) => 14 + (hashOf(`${seed}${at}`) % 52))
  return (
    <svg class={`cover ${name}`} viewBox="0 0 100 100" aria-hidden="true">
      <rect width="100" height="100" fill={`hsl(${hue} 42% 40%)`} />
      <circle
        cx={20 + (hash % 60)}
        cy="100"
        r="62"
        fill={`hsl(${(hue + 38) % 360} 55% 52%)`}
        opacity="0.55"
      />
      {bars.map((height, at) => (
        <rect
          key={at}
          x={15.5 + at * 10.5}
          y={50 - height / 2}
          width="5"
          height={height}
          rx="2.5"
          fill="#fff"
          opacity="0.92"
        />
      ))}
    </svg>
  )
}

/** A person's picture, or the first letter of their name on a colour of their own. */
export const Avatar = ({ id, name, url }: { id: string; name: string; url?: string | undefined }) =>
  url === undefined ? (
    <svg class="avatar" viewBox="0 0 40 40" aria-hidden="true">
      <rect width="40" height="40" fill={`hsl(${hashOf(id) % 360} 38% 42%)`} />
      <text x="20" y="26.5" text-anchor="middle" font-size="18" font-weight="600" fill="#fff">
        {(Array.from(name.trim())[0] ?? '·').toLocaleUpperCase()}
      </text>
    </svg>
  ) : (
    <img class="avatar" src={url} alt="" width="40" height="40" loading="lazy" />
  )
