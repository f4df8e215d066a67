/** Sentences about stored files and the disk. */
export const storageWording = {
  fileGone: 'This file is no longer stored. Please share it again.',
  diskFull:
    "Parley's disk is full. Ask an admin to free some space, then try again in a few minutes. Everything that was confirmed is safe.",
  diskFailed: (systemCode: string) =>
    `Parley's disk is not usable right now (${systemCode}). Try again in a minute. If that does not help, tell an admin.`,
}
