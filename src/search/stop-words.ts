/** Words that carry grammar and no subject, by language: left out of questions, never out of what is searched. */
export const stopWords: string[] = [
  // English
  `a about according all also am an and any are as at be been being between both but by can could did do does doing each
  for from give had has have having he her here hers him his how i if in into is it its just list me more most much many
  my no nor not of on only or other our out over own please say says said she should show so some such tell than that the
  their theirs them then there these they this those through to too under until up us very was we were what when where
  which while who whom whose why will with would you your yours document file page summarise summarize`,
  // German
  `aber alle allem allen aller alles als also am an ander andere auch auf aus bei beim bin bis bist bitte da damit dann
  das dass dein deine dem den denn der des dich die dies diese diesem diesen dieser dieses dir doch dort du durch ein
  eine einem einen einer eines er es etwas euch euer für gegen gib hab habe haben hat hatte hatten hier hinter ich ihm
  ihn ihnen ihr ihre im in ist ja jede jedem jeden jeder jedes jetzt kann kein keine können laut man mehr mein meine mich
  mir mit muss müssen nach nicht noch nun nur ob oder ohne sag sehr sein seine sich sie sind so soll sollen über um und
  uns unser unter viel viele vom von vor wann war waren warum was weil welche welchem welchen welcher welches wenn wer
  werde werden wie wieder will wir wird wo wurde wurden zu zum zur zwischen`,
  // French
  `au aux avec ce ces cette ceux chez comme comment dans de des du elle elles en est et eux il ils je la le les leur lui
  ma mais mes moi mon même ne nos notre nous on ou où par pas pour quand que quel quelle quelles quels qui quoi sa sans
  ses son sont sur ta te tes toi ton tu un une vos votre vous`,
  // Spanish
  `a al como cómo con cual cuales cuál cuando cuanto cuánto cuanta cuantos cuantas de del dónde donde el en entre es está
  están esta este estas estos hay la las lo los más me mi muy no nos o para pero por porque que qué quién se según si sin
  sobre son su sus también tiene un una unas uno unos y ya`,
  // Portuguese
  `a as ao aos com como da das de do dos e é em foi mais na nas no nos não o os ou para pela pelo por qual quais quando
  quanto que quem se seu sua são um uma umas uns`,
  // Italian
  `a al alla che chi come con cosa da dei del della delle di dove e è era gli i il in la le lo nel nella non o per quale
  quali quando quanto sono su tra fra un una uno`,
  // Dutch
  'de het een en van in is dat die te op voor met zijn aan er om ook als bij door wat wie hoe waar welke wordt werd',
  // Russian
  `и в во не что он на я с со как а то все она так его но да ты к у же вы за бы по только ее мне было вот от меня еще нет
  о из ему теперь когда даже ну ли если или ни быть был него до вас нибудь для мы тебя их чем была сам чтоб без будто где
  кто какой какая какие какое сколько это этот эта эти`,
  // Arabic
  'في من على إلى عن أن إن ما ماذا هل كم كيف متى أين هو هي هذا هذه ذلك تلك التي الذي الذين مع أو و لا لم لن قد كان كانت كل',
  // Chinese and Japanese, by the pairs they become
  '什么 多少 哪个 哪些 怎么 如何 为什么 是什么 请问 是多 吗 的 了 是 什麼 哪個 怎麼 為什麼 請問',
  'です ですか ます ますか ました のは とは 何ですか 何 いくら いくらですか どこ いつ ください 教えて',
]
