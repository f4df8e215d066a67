/** Sentences about mistakes in `signIn` of parley.yaml, shown when Parley starts. */

const at = (id: string, field?: string) =>
  `parley.yaml: signIn.providers: ${id}${field === undefined ? '' : `: ${field}`}`

export const signInProblem = {
  publicUrlNeeded: (host: string) =>
    `PUBLIC_URL is not set. With HOST=${host}, sign-in providers send people back to PUBLIC_URL. Set it to the address of this Parley, such as https://parley.example.com.`,
  idTaken: (id: string) => `${at(id, 'id')} is used twice. Give each provider its own id.`,
  missing: (id: string, fields: readonly string[], kind: string) =>
    `${at(id, fields.join(' or '))} is missing. A provider of kind ${kind} needs it.`,
  unknown: (id: string, field: string, kind: string) => `${at(id, field)} is not a setting of kind ${kind}. Remove it.`,
  secretMissing: (id: string, variable: string) =>
    `${at(id, 'clientSecretVariable')} reads the client secret from ${variable}, which is not set. Add it to .env.`,
  openIdScope: (id: string) => `${at(id, 'scopes')} must include openid.`,
  everyoneIsTheWorld: (id: string) =>
    `${at(id, 'allow.everyone')} would let anyone in, because anyone can have an account there. Limit it by allow.groups or allow.domains, by tenant or domain where the kind has one, or invite people.`,
  trustEmailNeedsOneTenant: (id: string) =>
    `${at(id, 'trustEmail')} works only with an issuer of one organization, because elsewhere strangers can claim an address. Remove it, and let people connect their accounts on the page.`,
  entraTenant: (id: string) =>
    `${at(id, 'tenant')} must be the Directory (tenant) ID from the app's overview, such as 00000000-0000-0000-0000-000000000000. With common or organizations, list the allowed IDs in tenants.`,
  entraTenantsNeeded: (id: string, tenant: string) =>
    `${at(id, 'tenants')} is missing. tenant: ${tenant} accepts every organization that uses Microsoft Entra, because its issuer is a template. List the IDs of the tenants that may sign in, or set tenant to your own ID.`,
  entraTenantsUnused: (id: string) =>
    `${at(id, 'tenants')} has no effect, because tenant already names one. Remove it, or set tenant to organizations.`,
  slackTenant: (id: string) => `${at(id, 'tenant')} must be the ID of a Slack workspace, such as T0123456.`,
}
