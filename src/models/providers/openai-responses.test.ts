import { dialects, scriptedRig } from '../../../test/models/dialects.ts'
import { modelContract } from '../model.contract.ts'

modelContract('responses', scriptedRig(dialects.responses))
