"""Words of orders to a model, in eleven languages, by what they do in such an order.

Belongs here: word beginnings (in Chinese: parts of a text). Does not: how they combine (`injection`). A word belongs to a kind
when it begins with one of the kind's entries; an entry that ends in "." is the whole word. Latin entries carry no accents.
"""

MACHINE = "machine"  # who reads without being a person
ORDERS = "orders"  # what is obeyed
DROP = "drop"  # to stop obeying
OLD = "old"  # what was said before, or all of it
YOU = "you"  # somebody is spoken to
SAY = "say"  # to tell, to judge
MUST = "must"
OUTPUT = "output"  # what a model writes
HUSH = "hush"  # to leave out
SECRET = "secret"  # noqa: S105 - the name of a kind of word
REVEAL = "reveal"
NOW = "now"  # a new beginning
ROLE = "role"  # to be somebody else
JUDGE = "judge"  # an evaluation, by whomever
AUTOMATIC = "automatic"
FAVOUR = "favour"  # what an attack wants to hear
DECODE = "decode"
NOTE = "note"  # a message begins
NOT = "not"
IF = "if"

WORDS: dict[str, str] = {
    MACHINE: """
        ai. ais. llm. llms. chatbot gpt chatgpt claude. gemini. copilot. assistant assistent bot. bots.
        summarizer summariser ki. ia. sprachmodell ki-assistent sprachassistent zusammenfassungsprogramm
        iaassistant resumidor resumidores riassuntor asistente assistente asystent asystenc taalmodel
        samenvatter ассистент помощник нейросет ии.
        чатбот مساعد ذكاء الذكاء نموذج روبوت 语言模型 人工智能 大模型 助手 聊天机器人""",
    AUTOMATIC: """
        geautomatiseerd automat автомат الآلي الآلية التلقائي 自动 machine maschinell""",
    JUDGE: """
        condens resum riassun review referee evaluat grader grading rating assess screen summar reader readers
        judge score scoring ranking bewert auswert gutacht zusammenfass leser begutacht evaluateur evaluation
        lecteur lectrice resume. resumes. synthese notation evaluador evaluacion lector lectores calific resumen
        resumenes revisor informe valutator valutazion lettor sintesi. avaliador avaliac leitor resumos oceniaj
        ocena czytnik recenzent streszcz beoordel lezer samenvatt оценк оценщик рецензен читател сводк التقييم
        القارئ الملخص 评审 评估 摘要""",
    ORDERS: """
        asked. told. aufgetrag ordens. ordini. demande. pedid gebeten instruction instructed guideline guidance
        rule. rules. prompt prompts directive directives restriction limitation permission safeguard anweisung
        instruktion vorgabe regel. regeln. richtlinie auftrag. beschrankung einschrankung weisung consigne
        regle. regles. instruccion regla. reglas. indicacion directriz directrices restriccion ordenes. orden.
        istruzion regola. regole. indicazion direttiv restrizion configurazione instruc regra. regras. orientac
        diretriz instrukc polecen zasad. zasady. zasadami. regul wytyczn ograniczen instructie regels. richtlijn
        opdracht beperking инструкц правил указан ограничен предписан تعليمات قواعد قيود القيود القواعد
        التعليمات توجيهات أوامر 指令 规则 提示 限制 要求 命令""",
    DROP: """
        despreza vallen. laat. ignore. ignoring. disregard forget. override overrule bypass discard. drop. skip.
        abandon. stop. obsolete void. cancel ignorier vergiss. vergessen missacht uberspring verwirf hinfallig
        ungultig ignorez. ignorer. oublie oubliez neglige negligez abandonne caduc caduque ignora. ignoren.
        ignorad olvida olvide olviden omite omita descarta descarte desobedec dimentica dimenticate trascura
        trascurate scorda scordati tralascia esqueca esquece desconsider zignoruj ignoruj zapomnij pomin. odrzuc
        negeer vergeet. verwaarloos игнориру проигнориру забудь отбрось отмени не-обращай تجاهل انس انسَ تجاوز
        أهمل 忽略 忘记 无视 不要理会 抛弃 作废""",
    OLD: """
        previous prior preceding above. earlier former. foregoing existing all. any. everything whatever
        original before. given vorherig obig bisherig vorangegang fruher alle. alles. sämtlich samtlich bisher
        vorher precedent precedente anterieur ci-dessus. toutes. tous. tout. recue anterior previa previas
        todas. todo. todos. lo. recibid tutte. tutto. tutti. ricevut finora anteriores tudo. acima. recebid
        poprzedn wczesniejsz wszystk dotychczasow otrzyman vorige. eerdere eerder bovenstaande предыдущ прежн
        ранее все. всё. выше полученн السابقة السابق أعلاه كل جميع 之前 上面 以上 此前 所有 先前""",
    YOU: """
        you. your. yours. yourself. du. dein deine deinem deinen deiner dir. dich. euer. eure. tu. toi. ton. ta.
        tes. vous. votre. vos. usted. ustedes. tus. ti. eres. debes. tuo. tua. tuoi. tue. voi. vostro vostra
        voce. voces. ty. twoj twoja twoje twoim twoich twojej jestes. masz. jij. je. jouw. jullie. u. uw. ты.
        твой твоя твоё твое твои твоей твоего твоём тебе тебя вы. ваш ваша ваше вам. вас. أنت لك عليك إجابتك
        خلاصتك ردك ملخصك تكتب 你 您 你的""",
    SAY: """
        indiquer. indique. indicare. indica. merk. vermerk affirmez presentez nominare. heißt genannt bezeichnet
        lead. leads. szereg podac. подай постав say. says. saying. state. stating. write. writing. add. mention.
        recommend praise. praises. rate. rates. rank. claim. repeat conclude. answer. reply. respond. declare.
        describe. present. list. include. insist announce tell. treat. assert note. schreib nenn sag. sage.
        sagen. erwahn empfiehl empfehl lob. lobe. bewerte antwort behaupt erklar wiederhol stelle. stell. gib.
        geben. fug fuge hervorheb darstell wiederzugeben wiedergeb berichte ecris. ecrire. ecrivez dis. dire.
        dites. mentionne recommande loue. notez. repond reponds affirme declare repete place. ajoute conclu
        conclus cite. citer. redige redigez rediger presente escrib di. diga decir. menciona recomiend alaba
        califi respond afirma declara repite anad concluy incluy pon. ponga termin scrivi scrivere di'. menziona
        raccomand consigli loda valuta rispondi afferm dichiar ripet aggiung conclud metti inserisci escrev
        diga. dizer mencion recomend elogi avali responda declar repet acrescent napisz napisac pisz wspom
        polec. poleca chwal ocen odpowied stwierdz powtorz dodaj zakoncz podkresl schrijf vermeld noem. zeg.
        prijs beoordeel antwoord verklaar herhaal voeg. sluit. raad. напиши написать пиши скажи упомян рекоменд
        похвал хвали хвалишь оцени ответь отвечай заяви повтори добав заверши اكتب اذكر ذكر قل أوص امدح قيّم أجب
        صرّح كرر أضف بذكر اختم 写 说 宣布 推荐 评价 回答 声明 重复 添加 称赞""",
    MUST: """
        tenu. tenus. obligat tenuti tenute muess verpflichtet must. should. shall. ought. required. requested.
        please. kindly. muss. mussen. soll. sollen. sollte. bitte. ist. darf. durfen. hat. doit. doivent. devez.
        devra. faut. veuillez. merci. debe. deben. debera. deberan. tiene. tienen. favor. favor, deve. devono.
        dovete. dovra. devi. prego. favore. devem. devera. musi. musza. ma. maja. nalezy. prosze. moet. moeten.
        dient. gelieve. должен. должна. должно. должны. нужно. следует. пожалуйста. يجب وعليك نرجو الرجاء ينبغي
        必须 应该 应当 请 务必 只需""",
    OUTPUT: """
        обзор riassunto. projet. classifica. answer. answers. reply. response. summary. summaries. conclusion.
        output. verdict. text. draft. drafts. report. antwort. antworten. zusammenfassung ausgabe. fazit.
        entwurf entwurfe bericht reponse resume. synthese. conclusion texte. respuesta resumen. salida. informe.
        texto. redaccion risposta sintesi. conclusione. testo. relazione. resposta resumo conclusao relatorio
        odpowiedz odpowiedzi podsumowani streszczeni raport antwoord samenvatting conclusie ответ ответе ответы
        ответом резюме сводк вывод отчёт отчет إجابتك خلاصتك ردك ملخص التقرير الإجابة 回答 回复 摘要 报告 总结 结论""",
    HUSH: """
        omett tacere. cite. citer. cachez verhehl weglassen nominare. oculten conceal hide. hidden omit suppress
        secretly without. never. silent silence confidential yourself. weglass verschweig lass. lasst.
        verschwieg unerwahnt ausgelass keinesfalls tais cache. omets. omettez ometts taire sans. jamais ni.
        oculta omite. omitir. calla sin. tace. taci ometti nascond senza. oculte omita sem. pomin pomij ukryj
        przemilcz bez. verzwijg weglat zonder. умолч скрой скрыв без. لا-تذكر تخف دون 隐瞒 不得提及 不要提 不提 省略""",
    SECRET: """
        secret secrets password passwords credential credentials apikey confidential hidden. conversation
        configuration geheim passwort passworter zugangsdaten secrete secretes mot-de-passe jeton. contrasena
        secreta secretas credencial credenziali password. segreta segrete configurazione senha senhas
        credenciais chaves. haslo hasla tajn wachtwoord geheime. парол секрет السرية السر كلمات 密码 机密 秘密""",
    REVEAL: """
        reveal disclose print. repeat. copy. paste. send. show. dump. leak. list. display. transmit gib. nenne.
        zeige. sende. schick. kopier. verrat recopie affiche envoie revele copie. muestra envia copia. revela
        riporta mostra invia escreva mostre envie wypisz pokaz wyslij ujawnij toon. stuur. kopieer onthul покажи
        отправь выведи раскрой скопируй اعرض أرسل اكشف انسخ 显示 发送 输出 透露 复制""",
    NOW: """
        momento. moment. dorenavant seguir. now. henceforth onwards. on. jetzt. nun. sofort. ab. fortan kunftig
        desormais. maintenant. ahora. adelante. ora. adesso. poi. agora. diante. teraz. odtad. chwili. voortaan.
        vanaf. nu. теперь. отныне. الآن 现在 从现在""",
    ROLE: """
        act. acting. pretend role. persona. roleplay spokes become. behave character. spiel spiele. rolle.
        verhalt sprecher agier joue. porte-parole comporte agis. incarne actua actuas. portavoz papel. finge
        comportate. recita ruolo portavoce fingi aja. atue finja porta-voz wciel rzecznik udawaj gedraag speel.
        rol. fan. woordvoerder представь притвор роль представител веди دور تصرف تظاهر 扮演 角色 假装 你是""",
    FAVOUR: """
        approved full. accept. favourab favorab excellent best. top. certified cheapest recommended reliable
        volle hochste beste. genehmigt zertifiziert empfohlen favorable. approuve meilleur certifie tete.
        aprobado diez. mejor barato favorabl approvat miglior aprovad melhor zatwierdz najleps goedgekeurd
        одобрен лучш معتمد الأفضل 批准 最好 可靠 认证""",
    DECODE: """
        decode. decodes. decrypt base64 rot13 hexadecimal hex. dekodier entschlussel decodez dechiffre decodifi
        descifr descodifi decifra decodific odkoduj rozkoduj decodeer ontcijfer hexadecimale расшифру декодиру
        фك فك 解码 编码""",
    NOTE: """
        circulaire distribution komunikat распоряжен avviso note. notes. notice. message. memo. dear.
        hey. hello. hinweis. mitteilung. nachricht. achtung. liebe. lieber. avis. chere. cher. nota. aviso.
        mensaje. estimad comunicacion instruccion querid comunicazione messaggio gentile. caro. cara. mensagem.
        wiadomosc uwaga. drogi. droga. bericht. mededeling beste. lieve. сообщение заметка внимание уважаем
        дорог ملاحظة رسالة تنبيه عزيزي 注意 系统消息 消息 亲爱的""",
    IF: """
        if. should. wenn. falls. solltest sollten. si. se. jesli jezeli als. indien. если إذا 如果 若""",
    NOT: """
        not. no. don't. never. nicht. kein ne. pas. n'. non. nao. nie. niet. geen не. ни. لا لم 不 别 勿""",
}
