/** Code colouring, loaded when the first code block is shown. The grammars are registered once, not for each block. */
import rehypeHighlight from 'rehype-highlight'

const transform = rehypeHighlight({ detect: false })

export const highlight = () => transform
