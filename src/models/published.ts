/** What is published of a model at an address. Implemented by providers/genai-prices.ts. */
import type { Price } from './price.ts'

export interface Published {
  price?: Price
  /** Tokens of input and output together. */
  contextWindow?: number
}

/**
 * `address`: where the model is asked, because the same name elsewhere is another model at another price. `id`: its exact
 * name, or one with a date at its end. `at`: prices change, some by the hour of the day.
 */
export type FindPublished = (address: string, id: string, at: Date) => Published | undefined
