/** What people call a page or a slide, in their languages: part of a regular expression with the flags `iu`. */
export const pageWord = String.raw`(?:pages?|pp?\.|pp|seiten?|(?-i:S\.)|p[áa]ginas?|p[áa]gs?\.|pagin[ae]|slides?|folien?|diapositiv[ae]s?|страниц\p{L}*|слайд\p{L}*|(?:ال)?صفحة|(?:ال)?شريحة|ページ|页|頁|スライド|幻灯片)`
