/** A model in the lists of `/v1/models`: what OpenAI's and Anthropic's clients read, and what it can do as far as that is known. */

export interface ListedModel {
  id: string
  provider: string
  /** What it is for. Default: answers. */
  does?: 'answers' | 'embeddings' | 'transcription'
  label?: string | undefined
  contextWindow?: number | undefined
  maxOutputTokens?: number | undefined
  vision?: boolean | undefined
  tools?: boolean | undefined
}

const paths = {
  answers: ['/v1/chat/completions', '/v1/responses', '/v1/messages'],
  embeddings: ['/v1/embeddings'],
  transcription: ['/v1/audio/transcriptions'],
}

/** `created` is in seconds since 1970: when this Parley started, because no server says more. */
export function describedModel({ does = 'answers', ...model }: ListedModel, created: number) {
  return {
    id: model.id,
    object: 'model' as const,
    type: 'model' as const,
    created,
    created_at: new Date(created * 1000).toISOString(),
    owned_by: model.provider,
    display_name: model.label ?? model.id,
    endpoints: paths[does],
    context_window: model.contextWindow,
    max_output_tokens: model.maxOutputTokens,
    // What Parley does itself, reading files and checking forms, every model can. Absent: not known.
    abilities: does === 'answers' ? { images: model.vision, tools: model.tools } : undefined,
  }
}
