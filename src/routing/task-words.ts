/**
 * Words that name a kind of task (tasks.ts) in German, French, Spanish, Portuguese, Russian, Chinese and Japanese. Stems, as
 * patterns: `words` begin at a word's beginning, `signs` of scripts without spaces anywhere. Pure data, and how it is searched.
 */

interface Words {
  words: readonly string[]
  signs: readonly string[]
}

const systems =
  'syst[eèé]m|sistem|dienst|servi[cçz]|schema|schéma|esquema|datenbank|bases? de d|banco de d|archite[ck]|arquitect|arquitet|protoko|protoco|schnittstelle|algorith?m|algoritm|warteschlange|plattform|platform|plataforma|cluster|api(?!\\p{L})'
const russianSystems = 'систем|сервис|схем|баз[уыа]? данных|архитектур|протокол|алгоритм|очеред|платформ|кластер'
const signedSystems =
  '系统|系統|服务|数据库|架构|协议|接口|算法|队列|平台|缓存|集群|システム|サービス|データベース|スキーマ|アーキテクチャ|プロトコル|アルゴリズム|キュー|基盤'

/** THE table. */
const foreign = {
  proof: {
    words: [
      'beweis(?:e|en sie)?,? (?:dass|durch|von)|zeigen? ?(?:sie)?,? dass|widerleg|vollständige induktion|per induktion',
      'démontr|prouve[rz]? que|preuve (?:que|de|par)|théorème|lemme(?!\\p{L})|par récurrence',
      'demuestr|demostra|prueb[ae] que|teorema|lema(?!\\p{L})|por inducción|demonstr[ea]|prov[ea] que|por indução',
      'докаж|доказать|доказательств|опроверг|теорем|лемм|по индукции',
    ],
    signs: ['证明(?![书信文材])', '證明(?![書信文])', '証明(?!書)', '定理', '引理|補題', '[归帰]纳?納?法'],
  },
  mathematics: {
    words: [
      'integral|integrier|ableitung von|eigenwert|eigenvektor|polynom|differentialgleichung|kongruent|modulo',
      'intégrale|intègre|dérivée de|(?:valeur|vecteur)s? propre|équations? différentielle|congru',
      'derivada d|autovalor|autovetor|(?:valores?|vectores?) propios?|polin[oôó]mi|ecuaci(?:ón|ones) diferencial|equaç(?:ão|ões) diferencia',
      'интеграл|проинтегр|производн|собственн\\p{L}+ (?:числ|знач|вектор)|многочлен|дифференциальн\\p{L}+ уравнен|по модулю',
    ],
    signs: [
      '[积積]分',
      '求导|导数|導関数',
      '特征[值向]|固有値|固有ベクトル',
      '多[项項]式',
      '微分方程',
      '同余|合同式',
      '贝叶斯|ベイズ',
    ],
  },
  debugging: {
    words: [
      'speicherleck|verklemmung|engpass|optimier|fehlersuche|refaktor|warum .{0,200}(?:langsam|stürzt|hängt|schlägt|fehl)',
      'fuites? (?:de )?mémoire|interblocage|optimise|goulot|cause profonde|débog|pourquoi .{0,200}(?:lent|plante|échou|bloque)',
      'fugas? de memoria|vazamentos? de memória|interbloqueo|optimiza|otimiz|cuello de botella|gargalo|causa ra[ií]z|depur|por ?qu[eé] .{0,200}(?:lent|fall|bloque|cuelga|falha|trava)',
      'утечк\\p{L}* памяти|взаимн\\p{L}+ блокиров|оптимизир|узкое место|отлад|рефактор|почему .{0,200}(?:медлен|пада|завис|тормоз)',
    ],
    signs: [
      '死锁|デッドロック|竞态|競合状態',
      '内存泄[漏露]|メモリリーク',
      '优化|最適化|瓶颈|ボトルネック|调试|デバッグ|重构|リファクタ|根本原因',
      '为什么.{0,100}(?:慢|崩溃|失败|卡|超时)|なぜ.{0,100}(?:遅|落ち|失敗|止ま|クラッシュ)',
    ],
  },
  design: {
    words: [
      `(?:entwirf|entwerfe|konzipier|modellier|con[cç]ois|concev|modélis|diseñ|modela|projete|projeta|desenhe|modele)[^.?!]{0,200}(?<!\\p{L})\\p{L}{0,12}?(?:${systems})`,
      `(?:спроектир|проектир|разработай)[^.?!]{0,200}(?<!\\p{L})(?:${russianSystems})`,
    ],
    signs: [`[设設][计計][^。？！]{0,100}(?:${signedSystems})`, `(?:${signedSystems})[^。？！]{0,100}[设設][计計]`],
  },
  law: {
    words: [
      'haftbar|haftung|haftet|verklag|rechtlich|rechtswidrig|schadens?ersatz|wettbewerbsverbot|dsgvo|einklagbar',
      'responsabilité (?:civile|pénale)|juridique|légalement|en justice|rgpd|non-concurrence|dommages et intérêts',
      'responsabilida[de]+ (?:civil|penal)|demandar|legalmente|jurídic|indemniza|indeniza|no competencia|não concorrência|lgpd',
      'в суд(?!\\p{L})|юридическ|по закону|неустойк|возмещени|ответственност',
    ],
    signs: [
      '法律|法的',
      '起诉|诉讼|訴訟|訴え',
      '违约|違約|赔偿|損害賠償',
      '竞业|競業避止|侵权|著作権侵害',
      '承担责任|責任を負',
    ],
  },
  medicine: {
    words: [
      'dosierung|dosis|wechselwirkung|kontraindik|nebenwirkung|diagnose|symptom',
      'posolog|dosage|contre-indic|effets? (?:secondaire|indésirable)|interactions? médic|diagnostic|symptôme',
      'dosagem|contraindica|efectos secundarios|efeitos colaterais|interac(?:ción|ciones) (?:entre|de|con)|interaç(?:ão|ões) (?:entre|de|com)|diagnóstico|síntomas|sintomas',
      'дозировк|доз[ауы](?!\\p{L})|противопоказ|побочн|лекарственн\\p{L}+ взаимод|диагноз|симптом',
    ],
    signs: ['剂量|劑量|用量|投与量', '禁忌|副作用', '药物相互作用|飲み合わせ|相互作用', '诊断|診断|症状'],
  },
  analysis: {
    words: [
      'erörter|aufsatz über|abwäg|vor- und nachteile|analysier|geschäftsplan|strategie für|auswirkungen',
      'dissertation|analyse[rz]?(?!\\p{L}) l|avantages et (?:les )?inconvénients|évalue[rz]? |stratégie pour',
      'ensayo sobre|ensaio sobre|anali[zs][ae] |ventajas y desventajas|vantagens e desvantagens|evalúa|avalie|plan[o]? de negocio|estrat[eé]gia (?:para|de)|implicaciones|implicações',
      'эссе|проанализир|плюсы и минусы|сравни |оцени |бизнес-план|стратеги|последстви',
    ],
    signs: ['分析|论文|小論文|論述', '利弊|优缺点|長所と短所|メリットとデメリット', '评估|商业计划|事業計画|戦略'],
  },
  thinking: {
    words: [
      'denk(?:e|en sie)? (?:gut|gründlich|genau|sorgfältig)|schritt für schritt',
      'réfléchis|étape par étape|pas à pas',
      'piens[ae] bien|pense bem|paso a paso|passo a passo',
      'подумай (?:хорошо|внимательно|тщательно)|шаг за шагом|пошагово',
    ],
    signs: ['仔细(?:思考|想)|一步一步|逐步', 'よく考え|じっくり考え|順を追って'],
  },
} as const satisfies Record<string, Words>

/** What a small model does well: named where the message begins, before the text to work on. */
const plain = new RegExp(
  `^\\W*(?:(?:bitte|kannst du|können sie|s'il te plaît|peux-tu|por favor|puedes|você pode|пожалуйста|можешь)[\\s,]+)*(?:${[
    'übersetz|korrigier|fasse?n? .{0,40}zusammen|kürze|formulier',
    'tradui|corrige|résume|reformule|raccourci',
    'traduc|traduz|resum[ae]|corrija|acorta|encurte',
    'перевед|перевести|исправь|сократи|перефразир|резюмир|кратко излож',
  ].join('|')})|^.{0,60}?(?:翻译|翻訳|校[对正]|改写|润色|总结|概括|缩短|要約|言い換え|書き直|訳して|短くして)`,
  'u',
)

const searches = Object.entries(foreign).map(([task, { words, signs }]) => ({
  task: task as keyof typeof foreign,
  names: new RegExp(`(?<!\\p{L})(?:${words.join('|')})`, 'u'),
  signs: new RegExp(signs.join('|'), 'u'),
}))

/** The tasks that a text names in one of these languages. */
export function foreignTasksIn(text: string): (keyof typeof foreign | 'plain')[] {
  const lower = text.toLowerCase()
  const signed = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}]/u.test(lower)
  const named = searches.flatMap(({ task, names, signs }) =>
    (signed && signs.test(lower)) || names.test(lower) ? [task] : [],
  )
  return plain.test(lower) ? [...named, 'plain'] : named
}
