"""What prompts say of a text that is given, and what texts hold, in words. Written as `asks` is."""

TEXTS = {
    "asks what is in a text": """
        in_the_sentence in_the_given_sentence in_the_paragraph in_the_article in_the_email in_the_passage
        mentioned mentions named_in appear appears appearing listed_in included_in contained_in cited referenced
        according_to
        stated_in occurs found_in in_this_message in_this_text in_this_email in_the_log in_this_document
        in_this_sentence
        genannt* erwahn* vorkomm* aufgefuhrt laut_dem cites cite mentionn* apparai* figurant d_apres_le mencion*
        aparece*
        citad* segun_el citat* menzionat* compaiono упомин* встреча* указан* согласно gecen bahsedilen gore
        belirtilen
        提到 出现 句子中 文档中 段落中 文本中 根据 出てくる 書かれ によると 언급 나오는 المذكور* وردت ذكر उल्लेख आए
    """,
    "speaks of a given text": """
        this_text the_text_below this_article this_email this_paragraph this_passage from_this
        from_the_text
        this_report this_transcript mentioned_in the_passage given_text this_document this_review below
        text_below
        this_message this_invoice this_thread this_letter this_contract this_ad this_note this_list
        this_order this_chat
        dies*_rechnung dies*_nachricht dies*_mail dies*_brief* dies*_vertrag dies*_anzeige
        dies*_bestellung dies*_notiz
        diesem_text dieser_text diesen_text aus_dem_text im_text diesen_artikel
        cette_facture ce_message cette_annonce ce_contrat ce_courriel cette_lettre ce_texte cet_article
        du_texte ci_dessous dans_le_texte
        esta_factura este_mensaje este_anuncio este_correo este_contrato este_texto del_texto este_articulo
        esta_fatura esta_mensagem esse_email este_email este_contrato este_anuncio este_texto do_texto
        deste_texto este_artigo desse_texto
        questa_fattura questo_messaggio questo_annuncio questa_mail questa_lettera questo_testo
        dal_testo testo_seguente questo_articolo
        этого_письма этого_счета этого_сообщения этот_текст этого_текста из_текста тексте этой_статьи
        bu_mesaj* bu_fatura* bu_ilan* bu_mektup* su_metin bu_metin metinden metindeki bu_yazi
        这封 这条 この内容 このメモ هذه_الرسالة هذه_الفاتورة इस_संदेश इस_बिल 这段
        這段 这篇 文中 この文 この記事 이_글 النص هذا_النص المقال
        पाठ इस_लेख
    """,
    "points at what follows": """
        the_following folgend* suivant* siguiente* seguinte* seguente* seguenti следующ* asagidaki
        以下 下面 次の 以下の 다음 التالي निम्नलिखित नीचे
    """,
    "speaks of main points": """
        highlights core_argument central_argument important_points important_parts essentials
        most_important key_findings
        key_ideas key_facts key_arguments key_points main_points main_ideas main_arguments main_findings
        main_message
    """,
    "asks for a data format": """
        json parse csv yaml xml as_a_table in_a_table into_a_table key_value fields columns
        markdown_table tabular
        tabelle felder spalten tableau champs colonnes tabla campos tabela colunas tabella campi
        таблиц* поля tablo alanlar 表格 字段 表形式 표로 جدول तालिका
    """,
    "names what texts hold": """
        name names date dates age ages amount amounts price total_amount prices addresses phone_number*
        email_address*
        ingredients keywords entities organizations
        locations people_mentioned places_mentioned invoice_number order_number due_date quantities companies
        datum betrag preis absender adresse namen daten betrage adressen telefonnummer* zutaten
        rechnungsnummer orte personen
        nom montant prix noms dates montants adresses numero_de_telephone ingredients lieux
        nombre fecha importe precio dosis nombres fechas importes direcciones telefonos ingredientes lugares
        preco valor nomes datas valores enderecos telefones ingredientes locais
        nome prezzo importo nomi date importi indirizzi numeri_di_telefono ingredienti luoghi
        имя дата дату сумма сумму имена даты суммы адреса телефоны названия
        isim* tarih tutar fiyat* isimler* tarihler* adresler* fiyatlar*
        人名 地名 日期 金额 电话 日付 住所 名前 関鍵词 关键词 キーワード 이름 날짜 أسماء التواريخ تواريخ المبالغ
        नाम तारीख राशि पते
    """,
}
