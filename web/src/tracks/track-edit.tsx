import { useSignal } from '@preact/signals'
import { api, ask, once, type Schemas } from '../api/client.ts'
import { type ApiProblem, asProblem } from '../api/problem.ts'
import { words } from '../i18n/index.ts'
import { Field, ProblemNote } from '../ui/controls.tsx'
import { asBody, PictureForm } from '../ui/picture-form.tsx'
import { Cover } from '../ui/pictures.tsx'

type Visibility = Schemas['Track']['visibility']
const visibilities: readonly Visibility[] = ['public', 'followers', 'unlisted', 'private']

const CoverForm = ({ track }: { track: Schemas['Track'] }) => {
  const cover = useSignal(track.cover)
  const path = { trackId: track.id }
  const put = async (file: File): Promise<void> => {
    const request = { params: { path, header: once() }, ...asBody(file) }
    cover.value = (await ask(api.PUT('/v1/tracks/{trackId}/cover', request))).cover
  }
  const remove = async (): Promise<void> => {
    await ask(api.DELETE('/v1/tracks/{trackId}/cover', { params: { path, header: once() } }))
    cover.value = null
  }
  return (
    <PictureForm
      label={words.value.tracks.cover}
      accept="image/png,image/jpeg,image/webp"
      put={put}
      remove={cover.value === null ? undefined : remove}
    >
      <Cover seed={track.id} url={cover.value?.[320]} class="cover-edit" />
    </PictureForm>
  )
}

/** What a track says of itself, and who may hear it. */
export const TrackEdit = ({ track, done }: { track: Schemas['Track']; done: () => void }) => {
  const title = useSignal(track.title)
  const artist = useSignal(track.artist ?? '')
  const genre = useSignal(track.genre ?? '')
  const description = useSignal(track.description)
  const tags = useSignal(track.tags.join(', '))
  const visibility = useSignal<Visibility>(track.visibility)
  const problem = useSignal<ApiProblem | undefined>(undefined)
  const { tracks, app } = words.value

  const save = async (): Promise<void> => {
    problem.value = undefined
    const orNull = (text: string): string | null => (text.trim() === '' ? null : text.trim())
    try {
      const body = {
        title: title.value.trim(),
        artist: orNull(artist.value),
        genre: orNull(genre.value),
        description: description.value,
        tags: tags.value
          .split(',')
          .map((tag) => tag.trim())
          .filter((tag) => tag !== ''),
        visibility: visibility.value,
      }
      const params = { path: { trackId: track.id }, header: once() }
      await ask(api.PATCH('/v1/tracks/{trackId}', { params, body }))
      done()
    } catch (error) {
      problem.value = asProblem(error)
    }
  }
  const text = [
    [tracks.title, title, 200],
    [tracks.artist, artist, 200],
    [tracks.genre, genre, 100],
    [tracks.tags, tags, 600],
  ] as const
  return (
    <form
      class="card form"
      onSubmit={(event) => {
        event.preventDefault()
        void save()
      }}
    >
      <CoverForm track={track} />
      {text.map(([label, value, maxLength]) => (
        <Field key={label} label={label}>
          {(field) => (
            <input
              {...field}
              required={value === title}
              maxLength={maxLength}
              value={value.value}
              onInput={(event) => {
                value.value = event.currentTarget.value
              }}
            />
          )}
        </Field>
      ))}
      <Field label={tracks.description}>
        {(field) => (
          <textarea
            {...field}
            rows={4}
            maxLength={5000}
            value={description.value}
            onInput={(event) => {
              description.value = event.currentTarget.value
            }}
          />
        )}
      </Field>
      <Field label={tracks.visibility}>
        {(field) => (
          <select
            {...field}
            value={visibility.value}
            onChange={(event) => {
              visibility.value = event.currentTarget.value as Visibility
            }}
          >
            {visibilities.map((each) => (
              <option key={each} value={each}>
                {tracks.visibilities[each]}
              </option>
            ))}
          </select>
        )}
      </Field>
      {problem.value !== undefined && <ProblemNote problem={problem.value} />}
      <div class="button-row">
        <button type="submit" class="button button-main">
          {app.save}
        </button>
        <button type="button" class="button" onClick={done}>
          {app.cancel}
        </button>
      </div>
    </form>
  )
}
