import { HE863_AT_PROFILE, type AtProfile } from '@cellmux/at';

/** The virtual HE863 reads its next command at once: it needs none of the 20 ms of silence that a real one asks for. */
export const VIRTUAL_AT_PROFILE: AtProfile = { ...HE863_AT_PROFILE, resultGapMs: 0 };
