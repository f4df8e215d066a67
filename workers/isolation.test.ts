import { describe, expect, it } from 'vitest'
import { createIsolation, judge, type Place } from './isolation.ts'

/** A process with its clock. */
function process() {
  let now = 0
  const isolation = createIsolation(() => now)
  return {
    later: (ms: number) => {
      now += ms
    },
    enter: () => isolation.enter(),
    isolate: (id: string, alone = 0) => isolation.isolate(id, { tries: 3 + alone, alone }),
  }
}

function placed(given: Place | { waitMs: number }): Place {
  if ('waitMs' in given) throw new Error(`has to wait ${given.waitMs} ms`)
  return given
}

const quiet = 3_000

describe('who is to blame', () => {
  it('is no suspect after two broken tries, and one after three', () => {
    expect([0, 1, 2].map((tries) => judge({ tries, alone: 0 }))).toEqual(['innocent', 'innocent', 'innocent'])
    expect(judge({ tries: 3, alone: 0 })).toBe('suspect')
  })

  it('is proven by three deaths while nothing else ran: five kills of one innocent question are not enough', () => {
    expect(judge({ tries: 5, alone: 2 })).toBe('suspect')
    expect(judge({ tries: 6, alone: 3 })).toBe('guilty')
  })

  it('is settled after ten deaths in company, so that there is an end in a process that is never idle', () => {
    expect(judge({ tries: 9, alone: 0 })).toBe('suspect')
    expect(judge({ tries: 10, alone: 0 })).toBe('guilty')
    expect(judge({ tries: 13, alone: 3 })).toBe('unspeakable')
  })
})

describe('a suspect', () => {
  it('waits until its process has lived a while, longer after each death alone', () => {
    const at = process()
    expect(at.isolate('a')).toEqual({ waitMs: quiet })
    at.later(quiet)
    expect(at.isolate('a', 2)).toEqual({ waitMs: 2 * quiet })
    expect(placed(at.isolate('a')).alone).toBe(true)
  })

  it('runs when nothing else does, and nothing starts beside it', () => {
    const at = process()
    at.later(quiet)
    const ordinary = placed(at.enter())
    expect(at.isolate('a')).toHaveProperty('waitMs')
    ordinary[Symbol.dispose]()
    const alone = placed(at.isolate('a'))
    expect(at.enter()).toHaveProperty('waitMs')
    expect(at.isolate('b')).toHaveProperty('waitMs')
    alone[Symbol.dispose]()
    placed(at.enter())
  })

  it('does not hold the others for longer than half a minute', () => {
    const at = process()
    at.later(quiet)
    placed(at.isolate('a'))
    at.later(29_000)
    expect(at.enter()).toHaveProperty('waitMs')
    at.later(1_000)
    placed(at.enter())
  })

  it('runs beside others where the process is never idle; that proves nothing', () => {
    const at = process()
    at.later(quiet)
    placed(at.enter())
    expect(at.isolate('a')).toHaveProperty('waitMs')
    at.later(5_000)
    expect(placed(at.isolate('a')).alone).toBe(false)
    placed(at.enter())
  })

  it('that is the only one left runs alone, although others ended well before it', () => {
    const at = process()
    at.later(quiet)
    placed(at.isolate('a'))[Symbol.dispose]()
    expect(placed(at.isolate('b')).alone).toBe(true)
    expect(at.enter()).toHaveProperty('waitMs')
  })

  it('that ends well lets more of the others run at a time, so that a crowd of innocents is soon done', () => {
    const at = process()
    at.later(quiet)
    let left = 36
    let rounds = 0
    for (; left > 0; rounds += 1) {
      const round: Place[] = []
      for (let next = at.isolate(`${left}`); !('waitMs' in next) && left > 0; next = at.isolate(`${left}`)) {
        round.push(next)
        left -= 1
      }
      for (const place of round) place[Symbol.dispose]()
    }
    expect(rounds).toBeLessThanOrEqual(4)
  })
})
