/** THE tables of src/core/markdown/math.ts: LaTeX's names and what they look like in plain text. */

const pairs = (from: string, to: string): Record<string, string> => {
  const signs = Array.from(to)
  return Object.fromEntries(Array.from(from, (sign, at) => [sign, signs[at] ?? sign]))
}

export const superscripts: Record<string, string> = pairs(
  ',0123456789+-=()abcdefghijklmnoprstuvwxyzABDEGHIJKLMNOPRTUVW′∗*∘°',
  ',⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᴬᴮᴰᴱᴳᴴᴵᴶᴷᴸᴹᴺᴼᴾᴿᵀᵁⱽᵂ′**°°',
)

export const subscripts: Record<string, string> = pairs(
  ',0123456789+-=()aehijklmnoprstuvx',
  ',₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ',
)

/** Fractions with a sign of their own. */
export const vulgar: Record<string, string | undefined> = {
  '1/2': '½',
  '1/3': '⅓',
  '2/3': '⅔',
  '1/4': '¼',
  '3/4': '¾',
  '1/5': '⅕',
  '2/5': '⅖',
  '3/5': '⅗',
  '4/5': '⅘',
  '1/6': '⅙',
  '5/6': '⅚',
  '1/8': '⅛',
  '3/8': '⅜',
  '5/8': '⅝',
  '7/8': '⅞',
}

const named = [
  'alpha α beta β gamma γ delta δ epsilon ε varepsilon ε zeta ζ eta η theta θ vartheta ϑ iota ι kappa κ',
  'lambda λ mu μ nu ν xi ξ pi π varpi ϖ rho ρ varrho ϱ sigma σ varsigma ς tau τ upsilon υ phi φ varphi φ',
  'chi χ psi ψ omega ω Gamma Γ Delta Δ Theta Θ Lambda Λ Xi Ξ Pi Π Sigma Σ Upsilon Υ Phi Φ Psi Ψ Omega Ω',
  'times × div ÷ cdot · ast * star ⋆ circ ∘ bullet • pm ± mp ∓ oplus ⊕ otimes ⊗ odot ⊙ setminus ∖ cap ∩',
  'cup ∪ wedge ∧ land ∧ vee ∨ lor ∨ neg ¬ lnot ¬ sum ∑ prod ∏ coprod ∐ int ∫ iint ∬ iiint ∭ oint ∮ partial ∂',
  'nabla ∇ infty ∞ prime ′ degree ° angle ∠ triangle △ square □ hbar ħ ell ℓ Re ℜ Im ℑ aleph ℵ emptyset ∅',
  'varnothing ∅ forall ∀ exists ∃ nexists ∄ top ⊤ bot ⊥ perp ⊥ ldots … dots … cdots ⋯ vdots ⋮ ddots ⋱ surd √',
  'checkmark ✓ dagger † colon : lbrace { rbrace } lbrack [ rbrack ] langle ⟨ rangle ⟩ lfloor ⌊ rfloor ⌋',
  'lceil ⌈ rceil ⌉ vert | lvert | rvert | mid | Vert ‖ lVert ‖ rVert ‖ parallel ∥ backslash \\',
  'le ≤ leq ≤ leqslant ≤ ge ≥ geq ≥ geqslant ≥ ne ≠ neq ≠ lt < gt > ll ≪ gg ≫ equiv ≡ approx ≈ sim ∼ simeq ≃',
  'cong ≅ propto ∝ in ∈ notin ∉ ni ∋ subset ⊂ subseteq ⊆ supset ⊃ supseteq ⊇ models ⊨ vdash ⊢ prec ≺ succ ≻',
  'to → rightarrow → longrightarrow ⟶ gets ← leftarrow ← leftrightarrow ↔ uparrow ↑ downarrow ↓ Rightarrow ⇒',
  'implies ⇒ Longrightarrow ⟹ Leftarrow ⇐ impliedby ⇐ Leftrightarrow ⇔ iff ⇔ mapsto ↦ hookrightarrow ↪',
  'rightharpoonup ⇀ rightleftharpoons ⇌ therefore ∴ because ∵',
].flatMap((line) => line.split(' '))

const punctuation = {
  ',': ' ',
  ';': ' ',
  ':': ' ',
  ' ': ' ',
  '!': '',
  '{': '{',
  '}': '}',
  '%': '%',
  $: '$',
  '&': '&',
  '#': '#',
  _: '_',
  '|': '‖',
  '-': '',
}

export const symbols: ReadonlyMap<string, string> = new Map([
  ...named.flatMap((name, at): [string, string][] => (at % 2 === 0 ? [[name, named[at + 1] ?? '']] : [])),
  ...Object.entries(punctuation),
])

/** Written as they are, with a space before what follows. */
export const functionNames: ReadonlySet<string> = new Set(
  'sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh log ln lg exp lim limsup liminf max min sup inf arg argmax argmin det dim ker deg gcd Pr mod bmod hom'.split(
    ' ',
  ),
)

/** Combining marks. */
export const accents: ReadonlyMap<string, string> = new Map(
  Object.entries({
    bar: '\u0304',
    overline: '\u0304',
    hat: '\u0302',
    widehat: '\u0302',
    tilde: '\u0303',
    widetilde: '\u0303',
    vec: '\u20D7',
    overrightarrow: '\u20D7',
    dot: '\u0307',
    ddot: '\u0308',
    underline: '\u0332',
  }),
)

export const alphabets: ReadonlyMap<string, Record<string, string>> = new Map(
  Object.entries({
    mathbb: pairs('CNPQRZE', 'ℂℕℙℚℝℤ𝔼'),
    mathcal: pairs('BEFHILMR', 'ℬℰℱℋℐℒℳℛ'),
    mathscr: pairs('BEFHILMR', 'ℬℰℱℋℐℒℳℛ'),
    mathfrak: {},
  }),
)
