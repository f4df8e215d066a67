/**
 * Names and descriptions of Discord's commands in other languages; Discord shows them to people who use it in one of these:
 * https://discord.com/developers/docs/reference#locales. A name has at most 32 characters, a description 100.
 */

interface Described {
  description: string
}

interface Named extends Described {
  /** Of a command that is typed: small letters, no spaces. */
  name: string
}

/** English is in src/wording/discord.ts. Every text is in every language of this list. */
export const discordLocales = ['de', 'fr', 'es-ES', 'es-419', 'pt-BR', 'it', 'ja'] as const
type Translated<Text> = Record<(typeof discordLocales)[number], Text>

const spanish = {
  ask: { name: 'preguntar', description: 'Haz una pregunta a Parley, con archivos si quieres' },
  parley: { description: 'Ajustes, consumo y ayuda' },
  about: { name: 'Preguntar sobre este mensaje' },
  transcribe: { name: 'Transcribir' },
  askText: { description: 'Tu pregunta. Déjalo vacío para abrir un formulario para una larga' },
  askFile: { description: 'Un documento, imagen, grabación u otro archivo' },
  askAnotherFile: { description: 'Otro archivo' },
  askModel: { description: 'El modelo que responde' },
  askSearch: { description: 'Buscar en la web o no' },
  askPrivate: { description: 'Mostrar la respuesta solo a ti' },
}

export const commandLocales = {
  ask: {
    de: { name: 'fragen', description: 'Stell Parley eine Frage, auf Wunsch mit Dateien' },
    fr: { name: 'demander', description: 'Pose une question à Parley, avec des fichiers si tu veux' },
    'es-ES': spanish.ask,
    'es-419': spanish.ask,
    'pt-BR': { name: 'perguntar', description: 'Faça uma pergunta ao Parley, com arquivos se quiser' },
    it: { name: 'chiedi', description: 'Fai una domanda a Parley, anche con file' },
    ja: { name: '質問', description: 'Parleyに質問します。ファイルも添付できます' },
  } satisfies Translated<Named>,
  parley: {
    de: { description: 'Einstellungen, Verbrauch und Hilfe' },
    fr: { description: 'Paramètres, consommation et aide' },
    'es-ES': spanish.parley,
    'es-419': spanish.parley,
    'pt-BR': { description: 'Configurações, consumo e ajuda' },
    it: { description: 'Impostazioni, consumi e aiuto' },
    ja: { description: '設定、使用量、ヘルプ' },
  } satisfies Translated<Described>,
  about: {
    de: { name: 'Zu dieser Nachricht fragen' },
    fr: { name: 'Question sur ce message' },
    'es-ES': spanish.about,
    'es-419': spanish.about,
    'pt-BR': { name: 'Perguntar sobre esta mensagem' },
    it: { name: 'Chiedi di questo messaggio' },
    ja: { name: 'このメッセージについて質問' },
  } satisfies Translated<Pick<Named, 'name'>>,
  transcribe: {
    de: { name: 'Transkribieren' },
    fr: { name: 'Transcrire' },
    'es-ES': spanish.transcribe,
    'es-419': spanish.transcribe,
    'pt-BR': { name: 'Transcrever' },
    it: { name: 'Trascrivi' },
    ja: { name: '文字起こし' },
  } satisfies Translated<Pick<Named, 'name'>>,
  askText: {
    de: { description: 'Deine Frage. Leer lassen öffnet ein Formular für eine lange' },
    fr: { description: 'Ta question. Laisse vide pour ouvrir un formulaire pour une longue question' },
    'es-ES': spanish.askText,
    'es-419': spanish.askText,
    'pt-BR': { description: 'Sua pergunta. Deixe vazio para abrir um formulário para uma longa' },
    it: { description: 'La tua domanda. Lascia vuoto per aprire un modulo per una lunga' },
    ja: { description: '質問内容。空欄にすると長文用のフォームが開きます' },
  } satisfies Translated<Described>,
  askFile: {
    de: { description: 'Ein Dokument, Bild, eine Aufnahme oder eine andere Datei' },
    fr: { description: 'Un document, une image, un enregistrement ou un autre fichier' },
    'es-ES': spanish.askFile,
    'es-419': spanish.askFile,
    'pt-BR': { description: 'Um documento, imagem, gravação ou outro arquivo' },
    it: { description: "Un documento, un'immagine, una registrazione o un altro file" },
    ja: { description: '文書、画像、録音などのファイル' },
  } satisfies Translated<Described>,
  askAnotherFile: {
    de: { description: 'Eine weitere Datei' },
    fr: { description: 'Un autre fichier' },
    'es-ES': spanish.askAnotherFile,
    'es-419': spanish.askAnotherFile,
    'pt-BR': { description: 'Outro arquivo' },
    it: { description: 'Un altro file' },
    ja: { description: '追加のファイル' },
  } satisfies Translated<Described>,
  askModel: {
    de: { description: 'Das Modell, das antwortet' },
    fr: { description: 'Le modèle qui répond' },
    'es-ES': spanish.askModel,
    'es-419': spanish.askModel,
    'pt-BR': { description: 'O modelo que responde' },
    it: { description: 'Il modello che risponde' },
    ja: { description: '回答するモデル' },
  } satisfies Translated<Described>,
  askSearch: {
    de: { description: 'Im Web danach suchen oder nicht' },
    fr: { description: 'Chercher sur le web, ou non' },
    'es-ES': spanish.askSearch,
    'es-419': spanish.askSearch,
    'pt-BR': { description: 'Pesquisar na web ou não' },
    it: { description: 'Cercare sul web o no' },
    ja: { description: 'ウェブで検索するかどうか' },
  } satisfies Translated<Described>,
  askPrivate: {
    de: { description: 'Die Antwort nur dir zeigen' },
    fr: { description: 'Afficher la réponse à toi seul' },
    'es-ES': spanish.askPrivate,
    'es-419': spanish.askPrivate,
    'pt-BR': { description: 'Mostrar a resposta só para você' },
    it: { description: 'Mostra la risposta solo a te' },
    ja: { description: '回答を自分だけに表示します' },
  } satisfies Translated<Described>,
}
