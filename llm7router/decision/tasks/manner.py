"""How prompts speak, in words: questions, requests, greetings, and what they say of a text. Written as `asks` is."""

MANNER = {
    "speaks of saying something": """
        say says said mean means meaning word_for phrase sentence called write_that express sign text_my greet
        heisst bedeut* sagt sage sagen satz wort dit dire signifi* phrase mot dice decir signific* frase palabra
        diz dizer
        dico dire dirlo parola сказать будет значит слово фраза denir soylen* demek cumle 说 讲 言う 言い 意味
        말해 뜻 يقال أقول معنى कहते बोलते मतलब
    """,
    "makes a request": """
        please can_you could_you would_you will_you i_need i_want i_d_like help_me give_me show_me tell_me
        your_task let_s
        bitte kannst_du konntest_du konnen_sie ich_brauche ich_mochte gib_mir zeig_mir hilf_mir
        s_il_te_plait s_il_vous_plait peux_tu pouvez_vous j_ai_besoin je_veux je_voudrais donne_moi aide_moi
        montre_moi
        por_favor puedes podrias necesito quiero dame ayudame muestrame pode poderia preciso quero me_de
        me_ajuda
        me_mostra
        puoi potresti per_favore ho_bisogno vorrei dammi aiutami пожалуйста можешь помоги мне_нужно хочу
        lutfen bana
    """,
    "is told what it is": """
        you_are_a you_are_an you_re_a you_are_my du_bist_ein du_bist_eine tu_es_un tu_es_une eres_un eres_una
        voce_e_um voce_e_uma
        sei_un sei_una ты_опытный sen_bir 你是一 あなたは 당신은 أنت तुम_एक आप_एक
    """,
    "speaks of a CV": """
        my_resume a_resume your_resume the_resume this_resume resume_for resume_bullet resume_writing
        resume_objective
        job_resume resume_and
    """,
    "greets or thanks": """
        hello hi hey thanks thank_you good_morning good_evening good_night how_are_you what_s_up bye goodbye
        nice_to_meet
        hallo guten_morgen guten_tag guten_abend danke wie_geht tschuss moin servus
        bonjour salut merci comment_ca_va ca_va bonsoir coucou
        hola gracias buenos_dias buenas_tardes buenas_noches como_estas que_tal
        ola obrigad* bom_dia boa_tarde boa_noite tudo_bem
        ciao grazie buongiorno buonasera come_stai come_va
        привет* здравствуй* спасибо как_дела добрый_день доброе_утро пока
        merhaba selam tesekkur* nasilsin* gunaydin iyi_aksamlar sagol
        你好 谢谢 您好 早上好 最近怎么样 こんにちは ありがとう おはよう お元気 안녕 감사 مرحبا شكرا كيف_حالك
        السلام_عليكم नमस्ते धन्यवाद कैसे_हो कैसे_हैं
    """,
    "supposes": """
        if you_have there_are there_is each_of a_man a_woman a_farmer a_train a_box a_shop suppose assume given
        imagine_that consider wenn angenommen gegeben si supposons soit se suponha supon suponga
        supponi dato если пусть предположим eger diyelim 如果 假设 若 もし とする 만약 إذا لو افترض यदि अगर
        मान_लीजिए
    """,
    "asks for advice": """
        should_i recommend* any_tips tips_for tips_on advice suggest* what_do_you_think do_you_think
        your_opinion
        your_favorite help_me_decide i_feel i_m_feeling feeling_down what_can_i_do ideas_for gift_ideas
        how_can_i
        soll_ich empfiehl* empfehl* empfiehlst tipps einen_rat was_meinst_du wie_kann_ich ich_fuhle vorschlag*
        schlag_mir
        dois_je recommand* conseil* que_penses_tu comment_puis_je suggere* des_idees
        debo recomiend* recomendac* consejo* que_opinas que_piensas como_puedo me_siento sugier*
        devo recomend* conselho* dicas o_que_voce_acha como_posso sugest* suger*
        dovrei consigli* consiglia* raccomand* cosa_ne_pensi come_posso suggeri*
        посоветуй* совет* рекоменд* что_думаешь как_мне стоит_ли порекоменд* подскаж*
        oner* tavsiye* ne_dersin ne_dusunuyorsun nasil_yapabilirim
        推荐 推薦 建议 怎么办 你觉得 おすすめ アドバイス どう思 どうすれば 추천 조언 انصحني نصيحة توصية ما_رأيك
        اقترح सलाह सुझाव क्या_करूं
    """,
    "asks a question": """
        who_wrote what_happens_in when_do what_do does_the do_you can_you_tell which_are where_are where_can
        who_are how_are
        does_it is_there are_there whats is_the was_the did_the how_did why_did why_are tell_me what_would
        what_should
        wie_lange_muss wer_hat woran_liegt wo_kann gibt_es que_faire ou_est y_a_t_il donde_esta hay_alg*
        onde_fica
        ha_alg* dove_si где кто когда nerede kim ne_zaman
        哪里 什么时候 谁 何ですか どこ いつ 誰 어디 언제 누구 أين متى من_هو هل कहाँ कब किसने
        what_is what_are what_s what_was who_is who_was who_wrote who_invented when_did when_was where_is why_is
        why_do
        why_does how_does how_do tell_me_about difference_between meaning_of what_does
        what_happens
        is_it which_is define
        was_ist was_sind wer_ist wer_war wann warum wieso weshalb wie_funktioniert unterschied_zwischen
        qu_est_ce quel_est quelle_est quels_sont qui_est qui_etait pourquoi comment_fonctionne
        difference_entre
        que_es cual_es cuales_son quien_es quien_fue por_que como_funciona diferencia_entre
        o_que_e qual_e quais_sao quem_e quem_foi por_que como_funciona diferenca_entre
        cos_e che_cos qual_e chi_e chi_era perche come_funziona differenza_tra
        что_такое кто_такой почему зачем как_работает чем_отличает* расскажи_о расскажи_про
        nedir kimdir neden nasil_calisir fark* niye
        什么是 是什么 为什么 介绍一下 如何 とは なぜ どうして 教えて 무엇 왜 ما_هو ما_هي لماذا
        من_هو क्या_है क्यों कौन
    """,
    "asks to explain": """
        explain* describe* erklar* beschreib* expliqu* decris decrivez explic* describ* spieg* descriv*
        объясн* опиши*
        acikla* 解释 説明 설명 اشرح समझा
    """,
    "names a list or plan": """
        checklist* list meal_plan workout_plan
        training_plan itinerary
        agenda timetable recipe* menu synonym* antonym* adjective* examples_of
        checkliste* einkaufsliste liste_mit eine_liste wochenplan trainingsplan rezept* synonym* beispiele_fur
        une_liste liste_de recette* synonyme* exemples_de programme_d_entrainement
        una_lista lista_de receta* sinonim* ejemplos_de plan_de uma_lista receita* exemplos_de plano_de
        un_elenco una_lista ricett* esempi_di список* рецепт* синоним* примеры listesi tarifi es_anlamli
        清单 食谱 菜谱 近义词 同义词 リスト レシピ 類義語 목록 레시피 قائمة وصفة مرادف सूची रेसिपी पर्यायवाची
    """,
    "goes on from before": """
        now also what_about how_about same again instead it that them this another shorter longer one_more
        continue go_on
        make_it next more better previous above
        jetzt und auch nochmal stattdessen kurzer langer noch_ein noch_eine weiter das es mach_es
        maintenant et aussi encore plutot meme un_autre une_autre plus_court continue fais_le
        ahora y tambien otra otro mismo mas_corto sigue continua hazlo agora e tambem outra outro mesmo
        mais_curto continue
        adesso ora anche ancora un_altro un_altra piu_corto piu_breve continua теперь а тоже еще снова короче
        продолжай это
        simdi bir_de ayrica tekrar daha_kisa devam bunu peki
        现在 再 也 改成 换成 继续 短一点 那么 今度 では もう もっと それ 続け 次は 이제 다시 그럼 더 이번 الآن
        أيضا مرة_أخرى أكمل والآن अब और फिर इसे
    """,
}
