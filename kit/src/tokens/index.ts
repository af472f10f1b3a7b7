export {
  type Identity,
  type TokenVerifier,
  type TokenVerifierOptions,
  InvalidToken,
  KeysUnavailable,
  createTokenVerifier,
} from './verifier.ts'
