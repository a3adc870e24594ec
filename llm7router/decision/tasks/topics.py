"""What prompts are about, in words: works, programs, sums. Written as `asks` is."""

TOPICS = {
    "names a work": """
        wish birthday_wish* world_building worldbuilding metaphor_for simile pickup_line* compliment* roast
        name_my names_for tongue_twister
        character_who intro_for podcast_intro voiceover acrostic quote_about mascot spruch verse nom_original
        frase_bonita piropo
        поздравь тост колыбельн* тост 情书 台词 セリフ あらすじ 편지를 تهنئة शुभकामना
        story stories tale fairy_tale fairytale bedtime poem* poetry haiku* limerick* sonnet* verse* ballad ode
        song* lyrics
        rap novel novels screenplay script_for_a dialogue monologue scene joke* pun puns slogan* tagline* fable*
        myth* riddle_about
        fanfic* character_backstory name_ideas names_for_a backstory jingle parody satire opening_line villain
        short_fiction flash_fiction
        geschichte* marchen* gedicht* ein_lied liedtext witz* einen_roman slogan* fabel* dialog* haiku drehbuch
        reim*
        histoire* conte contes poeme* chanson* blague* un_roman slogan* fable* dialogue* haiku scenario
        cuento* historia_sobre historia_de poema* cancion* chiste* novela* eslogan* fabula* dialogo* leyenda
        conto* historia_sobre historia_de poema* cancao* piada* slogan* fabula* dialogo* cronica
        racconto* storia_su storia_di poesia* poesie canzone* barzellett* romanzo* slogan* favola* fiaba*
        filastrocca
        истори* рассказ стих* песн* сказк* поэм* анекдот* шутк* слоган* басн* хокку роман
        hikaye* siir* masal* sarki* fikra* bir_roman slogan* dortluk* oyku*
        故事 诗 詩 歌词 童话 小说 笑话 标语 广告语 对联 物語 小説 俳句 短歌 歌詞 童話 キャッチコピー 시를 이야기
        소설 동화 노래 قصة قصيدة شعر أغنية نكتة حكاية شعار कहानी कविता गीत चुटकुला शायरी नारा
    """,
    "names a piece of writing": """
        card text_message message_to message_for reply review_of thank_you_note apology note_to rsvp statement
        about_page testimonial
        mail karte nachricht_an geburtstagskarte* bewerbungsschreiben message_pour carte_de lettre_de_motivation
        mensaje tarjeta
        mensagem cartao messaggio biglietto сообщение открытк* mesaj* kutlama 短信 贺卡 消息 メッセージ カード
        메시지 카드 رسالة_إلى संदेश
        email* e_mail letter* speech blog essay* article newsletter ad advert* copy product_description
        cover_letter tweet*
        post caption* bio toast eulogy press_release invitation greeting_card announcement linkedin headline*
        wedding_vows
        e_mail* einen_brief briefe rede blogbeitrag* blogartikel aufsatz* anzeige* produktbeschreibung
        einladung* gluckwunsch* bewerbung*
        courriel* lettre* discours article_de_blog annonce* invitation* dissertation billet
        correo* carta* discurso* entrada_de_blog ensayo* anuncio* invitacion* descripcion_de_producto
        carta* discurso* texto_para post_para redacao convite* anuncio* descricao_de_produto legenda
        lettera* discorso* articolo_di_blog tema annuncio* invito* post_per descrizione_del_prodotto
        письмо* реч* пост* эссе* сочинение* объявлени* приглашени* поздравлени* описание_товара
        mektup* eposta* konusma_metni deneme* blog_yazi* davetiye* ilan* tanitim*
        邮件 信件 演讲 作文 文案 博客 邀请函 一封 メール 手紙 スピーチ ブログ 作文 招待状 이메일 편지 블로그 연설
        رسالة خطاب مقالة إعلان بريد पत्र ईमेल भाषण निबंध विज्ञापन
    """,
    "names a style": """
        in_the_style_of rhym* vivid* persuasive* humorous* witty whimsical* poetic* first_person imaginative
        engaging catchy stanza* twist_ending heartfelt suspense* funny metaphor*
        im_stil reim* lustig* dans_le_style drole* rime* estilo_de divertid* rima* no_estilo nello_stile
        divertente
        в_стиле смешн* рифм* tarzinda komik kafiyeli
        风格 押韵 風に 幽默 스타일 بأسلوب शैली
    """,
    "names a programming language": """
        svelte nextjs redux vite laravel rails spring_boot eslint gradle maven selenium playwright
        cypress sklearn matplotlib opencv hadoop kafka rabbitmq elasticsearch aws gcp firebase supabase
        sqlalchemy pydantic jupyter
        conda virtualenv ssh curl grep awk sed chmod systemd arduino godot xpath oauth jwt wordpress shopify_api
        питон بايثون جافا पाइथन パイソン 파이썬 python tailwind android_app swiftui javascript typescript
        golang kotlin sql mysql postgres* sqlite bash
        powershell html css php perl haskell scala
        elixir clojure fortran cobol matlab numpy pandas django flask fastapi react vue angular nodejs node_js
        jquery dockerfile
        docker kubernetes k8s terraform ansible nginx git github regex regexp webpack numba pytorch tensorflow
        c_sharp dotnet
        cpp java rustc cargo npm pip pytest junit graphql redis mongodb linux ubuntu makefile cmake
        yaml_file vba
        lua vim
    """,
    "may name a programming language": """
        rust swift ruby csv_file go_program in_go in_c in_r dart spring excel shell spark
    """,
    "names a part of programs": """
        query queries api apis endpoint* unit_test unit_tests array arrays for_loop while_loop
        recursi* compiler* stack_trace null_pointer async await thread_safe multithread* data_structure*
        linked_list binary_tree
        binary_search hash_map hashmap time_complexity big_o backend frontend database_schema websocket*
        rest_api
        web_app
        web_scraper cli command_line terminal_command cron pull_request merge_conflict dependency_injection
        type_hint* decorator* closure
        closures lambda regular_expression* webpage div css_class rebase destructor memory_leak deadlock* stdin
        stdout git_commit codebase unit_tests
        dictionaries cors localhost linter stack_overflow one_liner docker_compose workflow_file css_animation
        regexes json_parser
        heap_sort mutex semaphore callback promise promises middleware orm dataframe dataframes tuple
        tuples enum
        struct structs
        inheritance polymorphism iterator generator_function parse_json snake_game browser_extension
        chrome_extension cronjob
        datenbankabfrage* unittest* endlosschleife base_de_donnees base_de_datos banco_de_dados tabela_sql
        lista_concatenata
        рекурси* замыкани* baglı_liste 递归 闭包 链表 数据库 接口 再帰 クロージャ データベース 재귀 데이터베이스
        قاعدة_بيانات डेटाबेस एपीआई
    """,
    "speaks of programs": """
        coding repository repo programming software_library indices sudoku function functions
        code program
        script* algorithm* bug bugs
        variable* loop loops pointer* runtime exception
        exceptions
        sorting framework schema
        http scraper
        class_method closure*
        funktion* programm* skript* algorithm* klasse datenbank* abfrage* schleife* fehlermeldung* variable*
        schnittstelle
        fonction* programme_qui script* algorithme* requete* base_de_donnees boucle* variable* message_d_erreur
        funcion* programa_que algoritmo* script* consulta* base_de_datos bucle* variable* codigo* arreglo
        funcao* funcoes programa_que algoritmo* script* consulta* banco_de_dados laco* variavel codigo* vetor
        funzione* programma_che algoritmo* script* query base_di_dati database ciclo variabil* codice*
        espressione_regolare
        функци* программ* скрипт* алгоритм* запрос* массив* цикл* код кода переменн* класс* баг*
        fonksiyon* program* algoritma* betik* sorgu* veritabani* dongu* degisken* kod* dizi
        函数 函數 代码 代碼 程序 算法 脚本 变量 数组 循环 报错 关数 関数 コード プログラム スクリプト アルゴリズム
        配列 함수 코드 프로그램 스크립트 알고리즘 دالة كود برنامج خوارزمية شيفرة برمجة फ़ंक्शन फंक्शन कोड
        प्रोग्राम स्क्रिप्ट एल्गोरिद्म 正则 正規表現
    """,
    "may speak of programs": """
        class server library migration branch branches thread threads commit
    """,
    "asks to program": """
        debug* refactor* implement* compile* deploy* unit_tested optimize_this fix_this_code fix_my_code
        code_review segfault
        throws crashes doesn_t_compile not_compiling syntax_error stack_overflow reverse_a_string reverse_a_list
        implementier* programmier* debugg* kompilier* refaktorier*
        implement* programme_un programme_une debogu* compil* code_un
        implement* programar programa_un programa_una depur* compil*
        implement* programar programe depur* compil*
        implement* programma_un programmare debugg* compil*
        реализу* запрограммир* отлад* скомпилир* исправь_код
        uygula* programla* hata_ayikla* derle* kodla*
        实现 编程 调试 重构 编译 実装 デバッグ コンパイル 구현 디버그 برمج نفذ_دالة प्रोग्रामिंग
    """,
    "names a language": """
        english french german spanish italian portuguese dutch polish russian japanese chinese korean arabic
        turkish hindi
        swedish greek hebrew latin mandarin czech danish finnish norwegian ukrainian vietnamese thai catalan
        hungarian
        englisch* deutsch* franzosisch* spanisch* italienisch* portugiesisch* russisch* japanisch* chinesisch*
        turkisch*
        anglais* allemand* francais* espagnol* italien* portugais russe japonais* chinois* arabe
        ingles* aleman* frances* espanol* italiano portugues* ruso japones* chino turco
        alemao espanhol* russo arabo inglese* tedesco francese* spagnolo portoghese giapponese cinese
        английск* немецк* французск* испанск* итальянск* русск* японск* китайск* по_английски по_немецки
        ingilizce* almanca* fransizca* ispanyolca* italyanca* turkce* rusca* japonca* arapca* cince*
        英语 英文 法语 德语 日语 中文 西班牙语 俄语 英語 フランス語 ドイツ語 日本語 スペイン語 中国語 영어 한국어
        일본어 الإنجليزية الفرنسية العربية الألمانية الإسبانية الانجليزية अंग्रेजी अंग्रेज़ी हिंदी हिन्दी फ्रेंच
        जर्मन
    """,
    "speaks of mathematics": """
        integrate differentiate simplify factorize factorise estimate subset subsets
        digits odd_number even_number
        vereinfach* simplifi* упрост* 化简 约分 排列 组合 多少种
        calculat* compute computes solve equation* integral* derivative* probabilit* theorem* prime primes
        solutions roots_of divisib* remainder triangle*
        rectangle* circumference perimeter polynomial* matrix matrices eigenvalue* logarithm* factorial*
        arithmetic algebra*
        geometry square_root sum_of average_speed percent* interest_rate compound_interest prove proof* derive
        inequality
        antiderivative* conjecture* combinatori* permutation* expected_value standard_deviation
        hypotenuse ratio fraction* modulo
        integer_solutions which_is_larger which_is_greater which_is_bigger expected_number angle area_of
        berechne* rechne* lose_die gleichung* wahrscheinlichkeit* beweis* dreieck* ableitung* quadratwurzel
        prozent* flache
        calcul* resou* equation* probabilite* demontr* prouve* triangle* racine_carree pourcent*
        derivee* surface
        calcul* resuelv* resolver ecuacion* probabilidad* demuestr* triangul* raiz_cuadrada porcent* derivada*
        area_de
        calcul* resolva resolver equacao* probabilidade* prove demonstr* triangul* raiz_quadrada porcent*
        derivada* area_do
        calcol* risolv* equazion* probabilita dimostr* triangol* radice_quadrata percent* derivata* area_del
        вычисл* реши* решить уравнени* вероятност* докаж* треугольник* корень процент* производн* посчита*
        рассчита* площад*
        hesapla* coz cozum* cozun* cozer denklem* olasilik* kanitla* ispatla* ucgen* karekok* yuzde* turev*
        计算 求解 方程 概率 证明 三角形 平方根 积分 导数 百分 解方程 計算 方程式 確率 証明 平方根 積分 微分 割合
        解いて 계산 방정식 확률 증명 احسب حل_المعادلة معادلة احتمال أثبت برهن مثلث हल_कर समीकरण प्रायिकता सिद्ध
        गणना त्रिभुज प्रतिशत
    """,
    "speaks of logic": """
        belong belongs odd_one is_to_what as_foot flaw flawed argument_valid direction does_it_follow reason_it
        reason_through
        which_number which_word analogy contradiction deduction imply implies suppose_that must_have
        truth_teller
        folgt_daraus trugschluss forcement s_ensuit siguiente_numero se_deduce proximo_numero prossimo_numero
        следующее_число hangi_gun 规律 下一个数 次の数 一番 矛盾 이어질 التالي_في अगली_संख्या
        show_your_work show_your_math show_the_steps step_by_step puzzle* riddle* deduc* logical* logic
        syllogis*
        infer infers inferred inference conclu* contradict* paradox* true_or_false
        knights liar* always_lies who_is_the must_be_true reasoning is_it_possible guarantee* impossible odds
        likelihood how_likely how_likely_is justify_your
        explain_your_reasoning cause_and_effect causal necessarily which_of_these_must who_is_lying who_owns
        must_follow must_also feasible least_number brain_teaser older_than taller_than faster_than sits_next
        next_number
        comes_next sequence therefore valid it_follows fallac* are_all premise weighings jug jugs minimum_number
        fewest optimal* counterexample thought_experiment
        schritt_fur_schritt ratsel* logisch* schlussfolger* widerspruch* alter_als grosser_als wer_ist_der
        reihenfolge
        etape_par_etape enigme* logique* dedui* conclu* plus_age plus_grand_que devinette*
        paso_a_paso acertijo* logic* deduc* conclu* mayor_que mas_alto
        passo_a_passo enigma* charada* logic* deduz* conclu* mais_velho mais_alto
        passo_dopo_passo passo_passo indovinell* enigma logic* dedu* conclu* piu_vecchio piu_alto piu_bass*
        piu_giovan*
        шаг_за_шагом пошагов* загадк* головоломк* логическ* вывод старше выше_чем следует_ли
        adim_adim bulmaca* bilmece* mantik* cikarim* daha_buyuk
        一步一步 逐步 推理 逻辑 谜题 谁是 推断 段階的 論理 なぞなぞ パズル 推論 단계별 논리 퍼즐 خطوة_بخطوة لغز
        منطق استنتج कदम_दर_कदम चरण_दर_चरण पहेली तर्क
    """,
    "asks for a quantity": """
        double doubled doubles twice_as half_as cheaper cheapest
        几只 几人 几本 几张 几元 几辆 各几 halb* doppelt* moitie doble mitad dobro metade doppio meta вдвое katina
        kati 倍 半分 배 ضعف दुगुना
        gunstiger billiger moins_cher mas_barato mais_barato piu_economico дешевле daha_ucuz 更便宜 安い 더_싼
        أرخص सस्ता
        how_many how_much how_long how_far how_old how_fast how_tall how_many_ways left remain* what_time
        what_is_the_total at_what_time in_total
        wie_viele wie_viel wieviel* wie_lange wie_weit wie_alt wie_schnell ubrig insgesamt
        combien reste_t quel_age a_quelle_heure au_total quelle_distance
        cuant* quedan que_edad a_que_hora en_total
        quantos quantas quanto quanta sobra* restam qual_e_o_preco que_idade a_que_horas no_total
        quanti quante quanto quanta a_che_ora in_totale
        сколько остал* какова какой_возраст через_какое_время
        kac* ne_kadar
        多少 还剩 几个 多久 多远 几岁 几天 何個 いくら いくつ 残り 何人
        何分 何時間 何日 何歳 몇 얼마 _كم_ كم_عدد كم_ثمن كم_ساعة كم_يوم कितने
        कितना कितनी
    """,
    "asks to weigh and plan": """
        investigat* optimiz* optimis* strategic roadmap statistic* correlation* analy*
        evaluat* compare* contrast trade_off* tradeoff* pros_and_cons implication* assess*
        critique* argue*
        strateg*
        plan_a schedule* prioritiz* feasib* justify weigh root_cause should_we decision_matrix cost_benefit
        critically
        analysier* bewert* vergleich* abwag* vor_und_nachteile strategie* plane planen begrund*
        analys* evalu* compar* avantages_et_inconvenients strategie* planifi* justifi*
        analic* analiz* evalu* compar* ventajas_y_desventajas pros_y_contras estrategi* planific* justific*
        analis* avali* compar* pros_e_contras vantagens_e_desvantagens estrategi* planej* justifi*
        analizz* valut* confront* pro_e_contro vantaggi_e_svantaggi strategi* pianific* giustific*
        проанализ* анализ* оцен* сравн* плюсы_и_минусы стратеги* сплан* обосну*
        analiz* degerlendir* karsilastir* arti_ve_eksi strateji* planla*
        分析 比较 评估 权衡 优缺点 规划 策略 比較 評価 検討 戦略 計画を 분석 비교 평가 حلل قارن قيم خطط विश्लेषण
        तुलना मूल्यांकन योजना_बना
    """,
}
