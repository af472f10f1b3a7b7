import { chooseLanguage, language, languages } from '../i18n/index.ts'
import { en } from '../i18n/en.ts'
import { fr } from '../i18n/fr.ts'

const names = { en: en.name, fr: fr.name }

/** Each language by its own name. */
export const LanguageChoice = () => (
  <div class="languages">
    {languages.map((each) => (
      <button
        key={each}
        type="button"
        class="link"
        lang={each}
        aria-pressed={language.value === each}
        onClick={() => {
          chooseLanguage(each)
        }}
      >
        {names[each]}
      </button>
    ))}
  </div>
)
