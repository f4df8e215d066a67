/** Admins by parley.yaml, as a condition of statements. See `namedAdmins` of identity/people.ts. */

/** Whether parley.yaml names this person, by any of the ways in which it may. `list`: the parameter with the names. */
export const isNamed = (list: string) => `(cardinality(${list}::jsonb[]) > 0 and (
  jsonb_build_array('person', person.id) = any (${list}::jsonb[])
  or exists (select from password where password.person_id = person.id
    and jsonb_build_array('login', password.login) = any (${list}::jsonb[]))
  or exists (select from identity where identity.person_id = person.id
    and jsonb_build_array(identity.provider, identity.issuer, identity.subject) = any (${list}::jsonb[]))))`
