/** A process that sends what is due to webhooks until it is killed: `webhook-child.ts <database> <secret> <origin>`. */
import { silentLog } from '../src/core/log.ts'
import { createSender } from '../src/egress/send.ts'
import { openDatabase } from '../src/store/database.ts'
import { createSecrets } from '../src/store/secrets.ts'
import { createWebhookOutbox } from '../src/store/webhook-outbox.ts'
import { createWebhookDelivery } from '../src/webhooks/delivery.ts'

const [connectionString = '', secret = '', origin = ''] = process.argv.slice(2)
const database = openDatabase({ connectionString }, { log: silentLog, connections: 4 })
const delivery = createWebhookDelivery({
  outbox: createWebhookOutbox(database, createSecrets(secret), { leaseMs: 500 }),
  sender: createSender([origin]),
  platform: () => undefined,
  alert: async () => {},
  log: silentLog,
})
delivery.look()
