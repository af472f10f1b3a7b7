import { type ComponentChildren } from 'preact'
import { words } from '../i18n/index.ts'
import { Outcome, useAction } from './action.tsx'

/** How a picture is sent: it is the request's body itself. */
export const asBody = (file: File) => ({
  body: file as unknown as string,
  bodySerializer: (body: unknown) => body as Blob,
  headers: { 'content-type': file.type },
})

/** A picture that is changed at once, not with the form beside it. */
export const PictureForm = ({
  label,
  accept,
  put,
  remove,
  children,
}: {
  label: string
  /** Types of files that are taken, as the browser's dialogue has them. */
  accept: string
  put: (file: File) => Promise<void>
  /** undefined: there is none to be removed. */
  remove: (() => Promise<void>) | undefined
  /** The picture as it is. */
  children: ComponentChildren
}) => {
  const action = useAction()
  const { settings } = words.value
  return (
    <div class="picture-row" role="group" aria-label={label}>
      {children}
      <label class="button upload-button">
        {settings.choosePicture}
        <input
          type="file"
          accept={accept}
          onChange={(event) => {
            const [file] = event.currentTarget.files ?? []
            event.currentTarget.value = ''
            if (file !== undefined) action.run(() => put(file))
          }}
        />
      </label>
      {remove !== undefined && (
        <button
          type="button"
          class="button"
          onClick={() => {
            action.run(remove)
          }}
        >
          {settings.removePicture}
        </button>
      )}
      <Outcome of={action} />
    </div>
  )
}
