import { namedOf } from './mention-list.tsx'
import { partsOf } from './mentions.ts'

const linkPattern = /https?:\/\/[^\s<>"']+[^\s<>"'.,;:!?)\]]/g

/** Text as it was written; what looks like a link to the web is one. */
const Linked = ({ text }: { text: string }) => {
  const parts: (string | { href: string })[] = []
  let from = 0
  for (const match of text.matchAll(linkPattern)) {
    parts.push(text.slice(from, match.index), { href: match[0] })
    from = match.index + match[0].length
  }
  parts.push(text.slice(from))
  return (
    <>
      {parts.map((part, at) =>
        typeof part === 'string' ? (
          part
        ) : (
          <a key={at} href={part.href} target="_blank" rel="noopener noreferrer nofollow">
            {part.href}
          </a>
        ),
      )}
    </>
  )
}

const nobody: readonly string[] = []

/** What was said, with its links, and the names of those it mentions. Nothing else in it means anything. */
export const Body = ({
  text,
  mentions = nobody,
}: {
  text: string
  mentions?: readonly string[] | undefined
}) => (
  <p class="message-body" dir="auto">
    {partsOf(text, namedOf(mentions)).map((part, at) =>
      typeof part === 'string' ? (
        <Linked key={at} text={part} />
      ) : (
        <a key={at} class="mention" href={`/people/${part.mentions.id}`}>
          @{part.mentions.name}
        </a>
      ),
    )}
  </p>
)
