"""What prompts ask for, in words: verbs and set phrases, by cue and in many languages.

`*` ends a stem, `_` is a space; accents, case and word order between entries do not matter. The lines of a cue are
English, German, French, Spanish, Portuguese, Italian, Russian, Turkish, and what is written without spaces or is
searched inside words: Chinese, Japanese, Korean, Arabic, Hindi. What a cue speaks for is in `weights`.
"""

ASKS = {
    "asks for a translation": """
        localiz* localis* subtitle* in_her_language in_his_language in_their_language native_speaker
        english_version_of word_for_word
        translate translated translating translation translations how_do_you_say how_do_i_say how_would_you_say
        how_to_say
        ubersetz* uebersetz* wie_sagt_man wie_heisst_auf was_heisst
        tradui* traduction* comment_dit_on comment_dire
        traduc* traduzc* traducc* como_se_dice como_digo
        traduz* traduca* traducoes como_se_diz
        traduc* tradurre traduzion* come_si_dice
        перевед* перевод* переведи* как_будет_по как_сказать_по
        cevir cevirin* ceviri* cevirir* cevirebil* tercume nasil_denir nasil_soylenir
        翻译 翻譯 译成 译为 翻成 怎么说 訳して 訳す 翻訳 번역 ترجم ترجمة أترجم अनुवाद 英訳 和訳 なんと言い 何と言い
    """,
    "asks for a summary": """
        short_version shorter_version shorten* catch_me_up fill_me_in up_to_speed in_a_few_words
        in_plain_words in_short
        bottom_line
        overview_of_this overview_of_the distill* compress_this compress_it trim_this trim_it
        cut_this_down cut_it_down
        what_is_this_about what_it_says
        what_does_it_say what_does_this_say actually_saying cliff_notes long_story_short too_long
        time_to_read cover_the_main
        in_one_minute release_notes changelog
        brief_me digest_of conclusions_of
        kurzer kurzen kurze_den das_wichtigste wichtigsten_aussagen worum_geht in_kurzen_worten kurz_gesagt
        kernaussage* im_wesentlichen
        en_bref de_quoi_parle raccourci* l_essentiel en_quelques_mots en_quelques_lignes en_resume que_dit
        de_que_trata en_pocas_palabras en_breve acorta* lo_esencial lo_mas_importante abrevia*
        do_que_trata em_poucas_palavras encurt* o_essencial o_mais_importante do_que_se_trata em_resumo
        di_cosa_parla in_breve in_poche_parole accorcia* l_essenziale di_cosa_tratta
        о_чем коротко в_двух_словах вкратце сожми суть сжато
        kisaca kisalt* neden_bahsediyor ne_anlatiyor ozu
        缩短 压缩成 压缩到 精简 大意 主要内容 讲了什么 核心 短く 何について 大事な点 ポイント 手短 줄여 핵심 무슨_내용
        باختصار اختصر أهم_النقاط मुख्य_बिंदु छोटा_कर
        summar* summat* summing_up sum_up tldr tl_dr key_takeaways takeaway* recap* condens*
        boil_down boil_this boil_it an_abstract gist main_idea the_essence shorten_this in_a_nutshell
        digest abridge*
        zusammenfass* fass* zusammengefasst kernaussag* kernpunkt* wichtigsten_punkte hauptpunkt* kurzfassung
        resume* resumer* resumez synthese points_cles points_essentiels grandes_lignes idees_principales
        idee_principale
        resum* resumen* puntos_clave puntos_principales ideas_principales idea_principal sintetiz* sintesis
        resumo* resumir resuma* sintetiz* sintese pontos_principais pontos_chave ideias_principais
        riassun* riassumi* riassunto sintesi sintetizz* punti_chiave punti_principali in_sintesi
        кратк* резюм* обобщ* пересказ* перескажи* суммир* подытож* основные_мысли главные_мысли тезис* сократи*
        ozet* ozetle* ozetini ana_fikr* ana_noktalar* kisaca_anlat
        总结 总結 概括 摘要 概述 归纳 總結 要点 要約 まとめ 概要 요약 لخص تلخيص ملخص ألخص सारांश संक्षेप सार_बता
        主旨
    """,
    "asks for few words": """
        bullet_points in_one_sentence in_two_sentences in_three_sentences in_one_paragraph
        in_a_paragraph bullets
        in_50_words
        in_100_words stichpunkt* in_einem_satz in_zwei_satzen in_drei_satzen en_une_phrase en_trois_phrases
        en_deux_phrases
        en_une_seule_phrase en_una_frase en_un_parrafo en_tres_frases em_uma_frase em_um_paragrafo
        em_tres_frases
        in_una_frase
        in_tre_frasi in_poche_righe в_двух_предложениях в_одном_предложении в_трех_предложениях bir_cumle*
        iki_cumle* uc_cumle*
        一句话 三句话 一段话 三行で 一文で 一言で 箇条書き 한_문장 세_문장 في_جملة في_ثلاث_جمل वाक्यों_में एक_वाक्य
    """,
    "asks to pick out": """
        collect_every collect_all gather_all list_of_all list_the_main_entities list_out get_the_names
        get_the_names return_only output_only
        just_the_names only_the_names one_per_line number_only answer_with_the yes_no action_items
        go_through_the
        fill_this_form fill_in_this fill_out scan_this retrieve highlight_all spot_all tabulate
        put_this_into_a make_a_table key_value_pairs structured_data
        drop_duplicates
        gib_mir_alle stelle_tabellarisch donne_moi_tous dame_todos dame_en_una_tabla me_de_todos dammi_tutti
        собери дай_все 整理成 表にして तालिका_बना
        extract extracting extraction get_me_the get_all pull_out pull_all pull_the pick_out identify_all
        identify_the_named list_all list_every find_all
        find_every get_all named_entit* entities which_of_these_names list_the_names list_the_people
        all_the_names all_names all_dates all_the_dates every_date every_name all_mentions fill_in_the_fields
        extrahier* herausfilter* herauslesen lies_heraus zieh* liste_alle nenne_alle alle_namen alle_daten
        finde_alle
        filtere_alle filtere_nach entnimm suche_alle
        extrai* extray* extraction releve* repere* liste_tous liste_toutes recupere* identifie* trouve_tous
        trouve_toutes
        extraer extrae* extraig* lista_todos lista_todas identifica* encuentra_todos saca_todos saca_los
        extrai* extrair* liste_todos liste_todas identifique* encontre_todos
        estrarre estrai* estratt* elenca_tutti elenca_tutte individua individuare trova_tutti
        извлек* извлечь* выпиш* выдел* найди_все найдите_все перечисли_все вытащ*
        cikar* ayikla* listele* bul_ve tum_isimleri tum_tarihleri
        提取 抽取 抽出 找出 列出所有 列出文中 識別 识别 摘出 取り出し 抜き出 리스트업 추출 뽑아 استخرج استخراج
        निकाल निकालें निकालिए छांट
    """,
    "asks to classify": """
        rate_the on_a_scale determine_the_language positive_negative spam_or_not fact_or_opinion fact_vs_opinion
        parts_of_speech which_category what_category group_them assign
        tone_of_this positive_or is_this_review intent_of priority_of language_of_this
        positiv_oder einordn* einsortier* positif_ou classe_les classez clasifica* positivo_o positivo_ou
        positivo_oppure позитивн* негативн*
        olumlu olumsuz 正面 负面 归类 分類して ポジティブ ネガティブ 肯定的 긍정 إيجابي سلبي सकारात्मक नकारात्मक
        classif* categori* sentiment* positive_or_negative label_each label_the tag_each spam_or
        klassifizier* kategorisier* ordne stimmung positiv_oder_negativ
        categoris* classe_ces positif_ou_negatif
        clasific* categoriz* positivo_o_negativo sentimiento*
        classifique* classificar sentimento*
        classifica* positivo_o_negativo categorizza*
        классифиц* тональност* категориз* определи_категорию
        siniflandir* duygu_analizi kategori*
        分类 分類 情感 感情分析 감정 صنف تصنيف वर्गीकृत वर्गीकरण भावना
    """,
    "asks to judge": """
        tell_if tell_me_if tell_whether tell_me_whether identify_if
        identify_whether decide_if detect detects
        check_if check_whether say_whether state_whether output_yes answer_yes yes_or_no
        sag_mir_ob gib_an_ob entscheide prufe_ob erkenne_ob ja_oder_nein indique_si determine_si dis_moi_si oui_ou_non
        indica_si determina_si dime_si si_o_no indica_se determina_se dimmi_se si_oppure_no indique_se determine_se
        diga_se sim_ou_nao определи_является скажи_является да_или_нет belirle evet_veya_hayir
        判断 检测 是否 判定 かどうか 판단 여부 حدد_ما_إذا نعم_أو_لا हाँ_या_नहीं
    """,
    "asks to write": """
        write* compose* draft* invent inventing craft* make_up come_up_with create* generate* tell_me_a pen_a brainstorm
        schreib* verfass* dichte* erfind* entwirf* erzahl* formulier*
        ecri* redig* compos* invente inventez inventer imagin* cree raconte*
        escrib* redact* inventa inventar inventame crea_un crea_una cuent* componer compon genera
        escrev* redij* crie* invente inventar conte conta_me conte_me componha gere elabore
        scriv* componi* crea_un crea_una racconta* redigi* inventa inventarere inventami
        напиш* сочин* придум* состав* написать расскажи_сказку
        yaz* yazar* uydur* olustur* kaleme
        写 編写 编写 创作 寫 撰写 書いて 書け 作って 考えて 써줘 작성 써_줘 اكتب أكتب ألف اختلق صغ लिख लिखो लिखें
        लिखिए रचना
    """,
    "asks to rewrite": """
        make_it_more make_it_less make_this_more make_this_sound sounding_rude friendlier politer sadder
        more_exciting into_something
        friendly_way polite_way reply_to_this respond_to_this help_me_word word_this hoflicher freundlicher
        plus_poli plus_formel
        mas_formal mas_amable mais_formal mais_educad* piu_formale piu_gentile вежливее daha_resmi daha_kibar
        更礼貌 更正式 丁寧 더_공손
        rewrite* rephras* paraphras* reword* proofread* polish_this polish_my make_it_sound more_formal
        more_professional
        fix_the_grammar correct_the_grammar grammar_mistakes improve_the_wording edit_this edit_my
        umschreib* umformulier* formuliere_um schreib_um korrektur* korrigiere_den
        reecri* reformul* corrige* paraphras*
        reescrib* parafrase* corrige* reformul*
        reescrev* parafrasei* corrija* reformul*
        riscriv* parafras* riformul* correggi*
        перепиш* перефраз* отредактир* исправь_ошибки
        yeniden_yaz* duzelt* baska_sekilde
        改写 改寫 润色 潤色 改得更 書き直 言い換え 推敲 다시_써 교정 أعد_صياغة أعد_كتابة صحح पुनः_लिख दोबारा_लिख
        सुधार
    """,
    "asks to play a part": """
        assume_the_role assume_the_persona take_the_role role_of persona picture_yourself impersonate mimic
        speak_like talk_like
        in_the_voice_of respond_as answer_as let_s_play play_a be_my let_s_roleplay as_though_you yourself_as
        tu_so ubernimm_die_rolle versetz_dich joue glisse_toi ponte_en_el_papel asume_el_papel
        assuma_o_papel mettiti_nei_panni представь_себя ты_пират веди_себя_как  角色 あなたは になって أنت_الآن كن
        pretend pretending acting_as your_name_is you_will_be you_ll_be we_are_playing be_a act_as act_like
        roleplay role_play imagine_you_are imagine_that_you imagine_yourself play_the_role
        play_the_part you_are_now as_if_you_were take_on_the_role speak_as stay_in_character in_character embody
        stell_dir_vor spiel_den spiel_die spiele_den spiele_die du_bist_jetzt tu_so_als rollenspiel
        fais_comme_si joue_le_role imagine_que_tu tu_es_maintenant jeu_de_role mets_toi_dans
        actua_como imagina_que_eres haz_de finge* juego_de_rol
        aja_como finja imagine_que_voce faca_de_conta
        fai_finta immagina_di_essere interpreta comportati_come fingi*
        представь_что_ты притворись* сыграй ты_теперь
        gibi_davran rolunu_oyna hayal_et sanki_sen
        扮演 假装 假如你是 你现在是 になりきって 役を演じ として振る舞 역할 연기해 تظاهر تخيل_أنك العب_دور अभिनय
        मान_लो_तुम कल्पना_करो
    """,
}
