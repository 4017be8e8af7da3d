// Texts written for the tests of token counts: prose of many scripts, chat, code, data and logs.

export const sampleTexts: Readonly<Record<string, string>> = {
  english:
    'The committee met on Tuesday to go over the plans for the new library. Most members liked the proposal, but two of them asked whether the budget would hold if the price of steel kept rising through the winter.',
  chat: 'hey, can you move our call to 4pm? i’m stuck on the train again and the wifi keeps dropping. also, did you get the invoice i sent on friday?',
  german:
    'Die Verwaltung hat gestern beschlossen, die Brücke am Fluss für mehrere Wochen zu sperren. Fußgänger können weiterhin die kleine Überführung neben dem Bahnhof benutzen.',
  french:
    'Le conseil a décidé hier de fermer le pont pendant plusieurs semaines. Les piétons pourront toujours emprunter la petite passerelle près de la gare, mais les vélos devront faire un détour.',
  spanish:
    'El ayuntamiento decidió ayer cerrar el puente durante varias semanas. Los peatones podrán seguir usando la pequeña pasarela junto a la estación.',
  portuguese: 'Mudei-me para Lisboa há três meses e ainda não encontrei uma padaria tão boa como a da minha antiga rua.',
  polish: 'Wczoraj rada miasta zdecydowała o zamknięciu mostu na kilka tygodni. Piesi mogą nadal korzystać z małej kładki obok dworca.',
  turkish: 'Belediye dün köprüyü birkaç hafta kapatmaya karar verdi. Yayalar istasyonun yanındaki küçük geçidi kullanmaya devam edebilir.',
  vietnamese: 'Hôm qua hội đồng thành phố đã quyết định đóng cửa cây cầu trong vài tuần. Người đi bộ vẫn có thể dùng lối nhỏ cạnh nhà ga.',
  russian: 'Вчера городской совет решил закрыть мост на несколько недель. Пешеходы могут и дальше пользоваться небольшим переходом рядом с вокзалом.',
  ukrainian: 'Учора міська рада вирішила закрити міст на кілька тижнів. Пішоходи можуть і далі користуватися невеликим переходом біля вокзалу.',
  greek: 'Το δημοτικό συμβούλιο αποφάσισε χθες να κλείσει τη γέφυρα για μερικές εβδομάδες. Οι πεζοί μπορούν να χρησιμοποιούν το μικρό πέρασμα.',
  hebrew: 'מועצת העיר החליטה אתמול לסגור את הגשר למשך כמה שבועות. הולכי רגל יכולים להמשיך להשתמש במעבר הקטן ליד התחנה.',
  arabic: 'قرر مجلس المدينة أمس إغلاق الجسر لعدة أسابيع. يمكن للمشاة الاستمرار في استخدام الممر الصغير بجانب المحطة.',
  hindi: 'नगर परिषद ने कल पुल को कुछ हफ्तों के लिए बंद करने का फैसला किया। पैदल यात्री स्टेशन के पास छोटे रास्ते का उपयोग कर सकते हैं।',
  thai: 'เมื่อวานสภาเมืองตัดสินใจปิดสะพานเป็นเวลาหลายสัปดาห์ คนเดินเท้ายังใช้ทางเดินเล็กข้างสถานีได้',
  japanese: '市議会は昨日、橋を数週間閉鎖することを決めました。歩行者は引き続き駅の横の小さな通路を使うことができます。',
  chinese: '市议会昨天决定把这座桥关闭几个星期。行人仍然可以使用车站旁边的小通道，但是自行车需要绕行。',
  korean: '시의회는 어제 다리를 몇 주 동안 폐쇄하기로 결정했습니다. 보행자는 역 옆의 작은 통로를 계속 이용할 수 있습니다.',
  typescript:
    'export function bestGap(low: number, load: Load): number {\n  const rewrite = (load.writeRatio - load.readRatio) * low + load.evictionCost\n  if (rewrite <= 0) return 0\n  return Math.sqrt((2 * rewrite * load.tokensPerTurn) / (load.readRatio * load.callsPerTurn))\n}\n',
  python:
    'def mean(values: list[float]) -> float:\n    """The mean of some values; 0 for none."""\n    if not values:\n        return 0.0\n    total = sum(values)\n    return total / len(values)\n',
  json: '{"id":"ord_81723","customer":{"name":"Ada Moreno","city":"Lisbon"},"items":[{"sku":"TX-204","count":2,"price":19.5},{"sku":"TX-311","count":1,"price":7}],"paid":true}',
  log: '2026-03-14 09:12:45.318 INFO  [worker-3] request 7f3a finished in 184 ms (status 200)\n2026-03-14 09:12:46.002 WARN  [worker-1] queue length is 87, limit is 100\n',
  base64: 'TG9yZW0gaXBzdW0gZG9sb3Igc2l0IGFtZXQsIGNvbnNlY3RldHVyIGFkaXBpc2NpbmcgZWxpdCwgc2VkIGRvIGVpdXNtb2QgdGVtcG9yIGluY2lkaWR1bnQ=',
  markdown:
    '# Set-up\n\n1. Clone the repository.\n2. Run `npm start`.\n3. Open the printed address.\n\n| name | value |\n|---|---:|\n| window | 128,000 |\n| reserve | 4,096 |\n',
}
