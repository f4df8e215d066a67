/** Words that say how something is asked rather than what: English, German, French, Spanish, Italian, Portuguese, Dutch, Chinese, Japanese. */
export const stopWords: string[] = [
  `a about after all also am an and any are as at be been before being between both but by can could did do does doing
  don for from further get give given had has have having he her here hers him his how i if in into is it its itself
  just let me more most my myself no nor not now of off on once only or other our ours out over own please same say says
  she should so some such tell than that the their theirs them then there these they this those through to too under
  until up upon us very was we were what when where which while who whom whose why will with would you your yours
  s t re ve ll d m`,
  `aber alle als also am an auch auf aus bei bin bis bitte da damit dann das dass dem den der des die dir dies diese
  diesem diesen dieser doch du durch ein eine einem einen einer eines er es für gibt hat habe haben ich ihr im in ist ja
  kann kein keine können man mein mich mir mit muss nach nicht noch nur ob oder ohne sein seine sich sie sind so soll
  über um und uns unter vom von vor wann war waren warum was wegen weil welche welcher welches wem wen wenn wer werden
  wie wieviel viel viele lange wir wird wo wurde zu zum zur`,
  `au aux avec ce ces cette comment combien dans de des du elle en est et été être eux il ils je la le les leur lui ma
  mais mes mon ne nous on ou où par pas pour pourquoi quand que quel quelle quelles quels qui sa ses si son sont sur ta
  te tes tu un une vos votre vous y`,
  `al como cómo con cuál cuáles cuando cuándo cuánto cuántos cuántas de del donde dónde el ella en era es esta este esto
  fue ha hay la las lo los más me mi no nos o para pero por porque que qué quién se ser si sin sobre son su sus un una y ya`,
  `che chi come cosa da dal dalla dei del della delle di dove è gli il i in la le lo ma nel nella non o per perché più
  quale quali quando quanto quanti sono su sul sulla un una uno`,
  `as com da das de do dos e em é foi na nas no nos não o os ou para pela pelo por qual quais quando quanto quantos que
  quem são se sua um uma`,
  `de het een en van ik te dat die in je is niet zijn op aan met als voor er maar om hem dan zou wat mijn wanneer waar
  wie welke hoe hoeveel waarom worden wordt heeft`,
  `什么 怎么 多少 哪里 哪个 如何 为什么 是否 请问 我们 你们 的 了 吗 是 在 和`,
  `何 です ます した する から まで これ それ どれ どこ だれ いつ なぜ でし すか`,
]
