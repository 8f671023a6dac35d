/** The fields of a command line that hold a secret: the first of them, and the last, from 0 on. */
export type SecretFields = readonly [first: number, last: number];

/**
 * Commands that a secret goes to the module by, and where in them: PIN and passwords of 3GPP TS 27.007 §8.3, §7.4, §7.5 and
 * §10.1.31, those of the guide's IP Easy, FTP and e-mail commands.
 */
export const AT_SECRET_FIELDS: Readonly<Record<string, SecretFields>> = {
  '+CPIN': [0, 1],
  '+CLCK': [2, 2],
  '+CPWD': [1, 2],
  '+CGAUTH': [3, 3],
  '#PDPAUTH': [3, 3],
  '#SGACT': [3, 3],
  '#PASSW': [0, 0],
  '#EPASSW': [0, 0],
  '#FTPOPEN': [2, 2],
};

/** Answers that tell a secret, in the same way. */
export const ANSWER_SECRET_FIELDS: Readonly<Record<string, SecretFields>> = { '+CGAUTH': [3, 3] };

/** The longest name among them, characters. */
export const LONGEST_NAME = Math.max(...Object.keys(AT_SECRET_FIELDS).map((name) => name.length));
