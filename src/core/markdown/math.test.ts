import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { mathAsText, readableTex } from './math.ts'

describe('a formula', () => {
  it.each([
    ['E = mc^2', 'E = mc²'],
    [String.raw`x = \frac{-b \pm \sqrt{b^2 - 4ac}}{2a}`, 'x = (-b ± √(b² - 4ac))/(2a)'],
    [String.raw`e^{i\pi} + e^{2\pi i} = \frac{dy}{dx}`, 'e^(iπ) + e^(2π i) = dy/dx'],
    [
      String.raw`\frac{1}{\sqrt{2\pi}} \cdot \frac{n!}{kT} \cdot \frac{km}{\text{hour}}`,
      '1/(√(2π)) · (n!)/(kT) · km/hour',
    ],
    [String.raw`\sum_{i=1}^{n} i = \frac{n(n+1)}{2}`, '∑ᵢ₌₁ⁿ i = (n(n+1))/2'],
    [String.raw`\alpha \le \beta \Rightarrow \text{ok if } x \in \mathbb{R}`, 'α ≤ β ⇒ ok if x ∈ ℝ'],
    [String.raw`\int_0^\infty e^{-x^2}\,dx`, '∫₀^∞ e^(-x²) dx'],
    [String.raw`\left( \frac{1}{2} \right)^{n}`, '( ½ )ⁿ'],
    [String.raw`E = \frac{1}{2}mv^2`, 'E = ½mv²'],
    [String.raw`\frac12 \, g t^2 + \dfrac{3}{4}`, '½ g t² + ¾'],
    [String.raw`x^{\frac{1}{2}} = \frac{1}{2}^2`, 'x^½ = (½)²'],
    [String.raw`V = \frac{4}{3}\pi r^3`, 'V = (4/3)π r³'],
    [String.raw`\frac{a}{b}(c + d) = \frac{a}{b} \cdot (c + d)`, '(a/b)(c + d) = a/b · (c + d)'],
    [String.raw`\left(\frac{p}{q}\right)x, \frac{p}{q}^2`, '(p/q)x, (p/q)²'],
    [String.raw`\frac{1}{r}\frac{d}{dr}\left(r\right)`, '(1/r)(d/dr)(r)'],
    [String.raw`\frac{a}{b} \text{ if } x \le \frac{c}{d}`, 'a/b if x ≤ c/d'],
    [String.raw`\sin\frac{x}{2} + \cos^2\frac{x}{3}`, 'sin (x/2) + cos²(x/3)'],
    [String.raw`\frac{1}{n}\sum_{i} x_i`, '(1/n)∑ᵢ xᵢ'],
    [String.raw`\sqrt[3]{8} = 2`, '³√8 = 2'],
    [String.raw`\vec{v} \cdot \hat{n} = 0`, 'v\u20d7 · n\u0302 = 0'],
    [String.raw`\log_{10} x, \sin\theta`, 'log₁₀ x, sin θ'],
    [String.raw`a \equiv b \pmod{n}`, 'a ≡ b (mod n)'],
    [String.raw`50\% \text{ of } \$5`, '50% of $5'],
    ['H_2O', 'H₂O'],
  ])('is text: %s', (tex, text) => expect(readableTex(tex)).toBe(text))

  it('of several rows has a line for each', () => {
    expect(readableTex(String.raw`\begin{aligned} a &= b \\ &= c \end{aligned}`)).toBe('a = b\n= c')
    expect(readableTex(String.raw`\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}`)).toBe('(1 2)\n(3 4)')
  })

  it.each([String.raw`\unknown{x}`, String.raw`\frac{1`, 'a}b', '{'.repeat(500), String.raw`\constructor`])(
    'that nobody could read so is left: %s',
    (tex) => expect(readableTex(tex)).toBeUndefined(),
  )
})

describe('formulas in a text', () => {
  it.each([
    ['Einstein: $E = mc^2$.', 'Einstein: E = mc².'],
    [String.raw`so \(a_1 < a_2\) holds`, String.raw`so a₁ \< a₂ holds`],
    ['$$\na^2 + b^2 = c^2\n$$', 'a² + b² = c²'],
    [String.raw`\[ x_1 * x_2 \]`, String.raw`x₁ \* x₂`],
    ['- item\n\n  $$x^2$$\n\nend', '- item\n\n  x²\n\nend'],
    [String.raw`$\weird{x}$ and $$\weird{y}$$`, '`\\weird{x}` and `\\weird{y}`'],
    ['$$\n\\weird{y}\n$$', '```latex\n\\weird{y}\n```'],
    [String.raw`\begin{align}a &= 1 \\ b &= 2\end{align}`, '```\na = 1\nb = 2\n```'],
    ['where $n$ is a number', 'where n is a number'],
  ])('are read: %j', (markdown, text) => expect(mathAsText(markdown)).toBe(text))

  it.each([
    'It costs $5 and $10.',
    'between $5-$10, or US$3',
    '`$x^2$` and\n```\n$$y^2$$\n```',
    '```sh\necho $HOME_$USER\n```',
    'set $HOME and $PATH',
    String.raw`a file report\_\[v1\].pdf and x\[a\]`,
    'https://x.org/?a=$b_c$d=1',
    'a $ b $ c',
  ])('are not seen where there are none: %s', (markdown) => expect(mathAsText(markdown)).toBe(markdown))

  it('of any kind end', () => {
    const piece = fc.constantFrom(
      '$',
      '$$',
      '\\(',
      '\\)',
      '\\[',
      '\\]',
      '\\frac',
      '{',
      '}',
      '^',
      '_',
      'x',
      ' ',
      '\n',
      '`',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        expect(typeof mathAsText(pieces.join(''))).toBe('string')
      }),
    )
  })
})
