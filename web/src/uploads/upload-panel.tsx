import { useEffect, useState } from 'preact/hooks'
import { sayProblem, words } from '../i18n/index.ts'
import { sizeOf } from '../i18n/numbers.ts'
import { IconButton } from '../ui/controls.tsx'
import { Icon } from '../ui/icon.tsx'
import {
  dismissUpload,
  dropUpload,
  pauseUpload,
  resumeUnfinished,
  resumeUpload,
  uploadFiles,
  uploads,
  type UploadState,
} from './uploads.ts'

/** A button that opens the system's choice of files. */
export const UploadButton = ({ class: name = 'button' }: { class?: string }) => (
  <label class={`${name} upload-button`}>
    <Icon name="upload" />
    <span>{words.value.uploads.choose}</span>
    <input
      type="file"
      accept="audio/*"
      multiple
      onChange={(event) => {
        const input = event.currentTarget
        uploadFiles(input.files ?? [])
        // The same file may be chosen again.
        input.value = ''
      }}
    />
  </label>
)

const sayPhase = ({ phase, percent, code, limit }: UploadState): string => {
  const { uploads: said } = words.value
  switch (phase) {
    case 'sending':
      return said.sending(percent)
    case 'unfinished':
      return code === 'another-file' ? said.anotherFile : said.unfinished(percent)
    case 'preparing':
      return said.preparing(percent)
    case 'failed':
      if (limit !== undefined) return said.tooLarge(sizeOf(limit))
      return sayProblem({ code: code ?? 'internal', status: 0 })
    default:
      return said[phase]
  }
}

/** The same file meets these again, however often it is sent. */
const final = ['not-audio', 'upload-too-large']

const Row = ({ upload }: { upload: UploadState }) => {
  const { uploads: said } = words.value
  const { key, title, phase, percent, trackId, code = '' } = upload
  const canResume =
    phase === 'paused' || (phase === 'failed' && trackId === undefined && !final.includes(code))
  return (
    <li data-phase={phase}>
      <div class="upload-line">
        <span class="clip strong">{title}</span>
        {phase === 'sending' && (
          <IconButton
            icon="pause"
            label={said.pause}
            onClick={() => {
              pauseUpload(key)
            }}
          />
        )}
        {canResume && (
          <IconButton
            icon="retry"
            label={said.resume}
            onClick={() => {
              resumeUpload(key)
            }}
          />
        )}
        {phase === 'unfinished' ? (
          <IconButton
            icon="trash"
            label={said.drop}
            onClick={() => {
              dropUpload(key)
            }}
          />
        ) : (
          <IconButton
            icon="close"
            label={said.dismiss}
            onClick={() => {
              dismissUpload(key)
            }}
          />
        )}
      </div>
      <div class="upload-line quiet">
        <span role="status">{sayPhase(upload)}</span>
        {trackId !== undefined && (
          <a href={`/tracks/${trackId}`} class="upload-open">
            {said.show}
          </a>
        )}
        {phase === 'unfinished' && (
          <label class="upload-button upload-open">
            {said.chooseAgain}
            <input
              type="file"
              accept="audio/*"
              aria-label={`${said.chooseAgain}: ${title}`}
              onChange={(event) => {
                const [file] = event.currentTarget.files ?? []
                event.currentTarget.value = ''
                if (file !== undefined) resumeUnfinished(upload, file)
              }}
            />
          </label>
        )}
      </div>
      {phase !== 'ready' && phase !== 'failed' && (
        <progress max="100" value={percent} aria-label={said.progress(title)} />
      )}
    </li>
  )
}

/** Files on their way, in a corner of every page; and the whole page takes files that are dropped on it. */
export const UploadPanel = () => {
  const [isOver, setOver] = useState(false)
  useEffect(() => {
    const carriesFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') === true
    const over = (event: DragEvent): void => {
      if (!carriesFiles(event)) return
      event.preventDefault()
      setOver(true)
    }
    const leave = (event: DragEvent): void => {
      // Leaving the window has no element that is entered instead.
      if (event.relatedTarget === null) setOver(false)
    }
    const drop = (event: DragEvent): void => {
      if (!carriesFiles(event)) return
      event.preventDefault()
      setOver(false)
      uploadFiles(event.dataTransfer?.files ?? [])
    }
    addEventListener('dragover', over)
    addEventListener('dragleave', leave)
    addEventListener('drop', drop)
    return () => {
      removeEventListener('dragover', over)
      removeEventListener('dragleave', leave)
      removeEventListener('drop', drop)
    }
  }, [])
  const { uploads: said } = words.value
  return (
    <>
      {isOver && (
        <div class="drop-here" aria-hidden="true">
          <p>
            <Icon name="upload" />
            {said.dropHere}
          </p>
        </div>
      )}
      {uploads.value.length > 0 && (
        <section class="uploads" aria-label={said.title}>
          <h2>{said.title}</h2>
          <ul>
            {uploads.value.map((upload) => (
              <Row key={upload.key} upload={upload} />
            ))}
          </ul>
        </section>
      )}
    </>
  )
}
