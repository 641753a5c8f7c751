//! Headings that offices and their programs write, folded: no width, case, space or mark.
//!
//! `noun|noun:field` holds for those nouns only. Words stand between blanks, the surest first.

use musubi_sdk::noun::Noun;

pub const ALL: &[(&str, &str)] = &[
    (
        "customer:code",
        "得意先コード 得意先cd 得意先no 得意先番号 取引先コード 取引先cd 顧客コード 顧客番号 顧客id customercode \
      customerid customerno customernumber accountcode clientcode コード code id no",
    ),
    (
        "customer:name",
        "得意先名 得意先名称 得意先 取引先名 取引先名称 取引先 顧客名 顧客名称 会社名 企業名 社名 法人名 正式名称 \
      得意先名1 取引先名1 名称 名称1 companyname company customername customer accountname clientname organization name 名前",
    ),
    (
        "name_kana",
        "フリガナ ふりがな カナ カナ名 得意先カナ 得意先名カナ 得意先フリガナ 取引先名カナ 名称カナ 会社名カナ \
      氏名カナ カナ名称 カナ索引 フリガナ名 kana namekana phonetic 検索カナ よみ よみがな",
    ),
    ("corporate_number", "法人番号 corporatenumber 法人no 会社法人等番号"),
    (
        "customer|invoice:registration_number",
        "登録番号 適格請求書発行事業者登録番号 適格請求書登録番号 インボイス登録番号 インボイス番号 \
      適格事業者番号 事業者登録番号 t番号 registrationnumber invoiceregistrationnumber taxid",
    ),
    (
        "phone",
        "電話番号 電話 tel 代表電話 電話番号1 電話1 tel1 telno phone phonenumber telephone 携帯電話 携帯番号 mobile",
    ),
    ("mail", "メールアドレス メール eメール email mail mailaddress emailaddress 電子メール 代表メール"),
    ("postal_code", "郵便番号 〒 郵便no 〒番号 postalcode zip zipcode postcode"),
    ("address", "住所 所在地 住所1 本社住所 本店所在地 請求先住所 address address1 住所(都道府県) 都道府県市区町村"),
    ("customer:industry", "業種 業種名 業界 industry"),
    ("customer:department", "担当部署 担当部門 部門 部門名 部署 department division 営業所"),
    (
        "customer|site:owner",
        "担当者 担当 担当者名 営業担当 営業担当者 自社担当者 主担当 owner salesrep accountmanager 担当者コード",
    ),
    ("closing_day", "締日 締め日 締日1 請求締日 締切日 締グループ closingday cutoffday"),
    ("customer:payment_terms", "支払条件 回収条件 入金条件 支払サイト 回収サイクル 回収予定 paymentterms terms"),
    ("customer:credit_limit", "与信限度額 与信枠 与信額 与信 creditlimit"),
    ("customer:price_class", "価格区分 単価ランク 売単価区分 掛率区分 ランク priceclass pricelevel"),
    ("customer:kind", "法人個人区分 法人個人"),
    ("customer:life_stage", "顧客区分 見込み客区分 見込客区分 顧客ステータス lifecyclestage"),
    ("customer:lead_source", "獲得元 獲得経路 リードソース 流入元 流入経路 集客元 leadsource"),
    ("customer:lead_date", "獲得日 リード獲得日 リード作成日 leaddate"),
    ("customer|product|deal|quote|order|invoice|payment|contract:currency", "通貨 通貨コード currency"),
    (
        "site|contact|deal|quote|order|shipment|invoice|payment|contract|inquiry:customer",
        "得意先コード 得意先cd 取引先コード 取引先cd 顧客コード 顧客番号 顧客id 請求先コード 請求先cd customercode \
      customerid customerno 得意先 得意先名 取引先 取引先名 顧客 顧客名 会社名 企業名 社名 companyname company customer \
      customername account organization 請求先 請求先名",
    ),
    (
        "site:name",
        "納品先名 納入先名 直送先名 拠点名 事業所名 店舗名 支店名 出荷先名 届け先名 納品先 納入先 拠点 名称 sitename \
      site branch name",
    ),
    (
        "site:code",
        "納品先コード 納入先コード 直送先コード 拠点コード 出荷先コード 届け先コード 納品先cd 店舗コード sitecode \
      siteid コード code",
    ),
    ("site:role", "拠点区分 role"),
    (
        "contact:name",
        "氏名 担当者名 お名前 名前 先方担当者 先方担当者名 担当者氏名 連絡先名 fullname contactname contact person name \
      担当者 姓名",
    ),
    ("contact:department", "部署 部署名 所属 所属部署 部門 department"),
    ("contact:title", "役職 役職名 肩書 肩書き title jobtitle position"),
    (
        "product:code",
        "商品コード 商品cd 品番 製品コード 品目コード 型番 sku productcode itemcode itemno partnumber コード code",
    ),
    ("product:name", "商品名 商品名称 品名 製品名 品目名 productname itemname product item 名称 name description"),
    ("product:unit", "単位 単位名 unit uom"),
    ("product:price", "標準単価 単価 販売単価 売単価 定価 標準売価 価格 上代 price unitprice listprice"),
    ("product:active", "有効 active"),
    ("deal:name", "商談名 案件名 案件 商談 opportunityname dealname opportunity deal 件名"),
    ("deal:number", "商談番号 案件番号 商談no 案件no opportunityid dealid"),
    ("deal:stage", "フェーズ 商談フェーズ 商談段階 営業段階 案件ステータス ステージ stage phase"),
    ("deal:status", "商談状態 商談結果 結果 勝敗 dealstatus"),
    ("deal:amount", "商談金額 案件金額 見込金額 見込み金額 受注見込金額 予定金額 金額 amount expectedrevenue"),
    ("deal:probability", "確度 受注確度 確率 probability"),
    ("deal:opened_date", "商談開始日 案件発生日 発生日 開始日 作成日 createddate"),
    ("deal:expected_date", "受注予定日 完了予定日 クローズ予定日 成約予定日 closedate expectedclosedate"),
    ("deal:closed_date", "決着日 失注日 成約日 closedon"),
    ("deal:reason", "失注理由 受注理由 失注原因 lostreason"),
    ("deal:order", "受注番号 ordernumber"),
    ("deal|inquiry:owner", "営業担当 営業担当者 案件担当 案件担当者 担当者 担当 対応者 owner salesrep"),
    ("quote:number", "見積番号 見積no 見積書番号 見積書no 御見積番号 quotenumber quoteno quotationnumber estimateno"),
    ("quote:issue_date", "見積日 見積年月日 見積書発行日 発行日 quotedate issuedate"),
    ("quote:valid_until", "有効期限 見積有効期限 見積期限 validuntil expirydate"),
    ("quote:status", "見積状態 状態 ステータス status"),
    ("quote:deal", "商談番号 案件番号 dealid opportunityid"),
    (
        "quote:total",
        "見積金額 見積合計 見積額 御見積金額 税込金額 合計金額 見積金額税込 合計金額税込 総額 合計 total quotetotal",
    ),
    ("contract:number", "契約番号 契約no 契約書番号 contractnumber contractno contractid"),
    ("contract:name", "契約名 契約名称 契約件名 契約内容 contractname 件名"),
    ("contract:start_date", "契約開始日 開始日 契約日 契約締結日 startdate"),
    ("contract:end_date", "契約終了日 終了日 満了日 契約満了日 契約期限 enddate expirydate"),
    ("contract:renewal", "更新 更新区分 更新方法 自動更新 renewal"),
    ("contract:status", "契約状態 状態 ステータス status"),
    ("contract:amount", "契約金額 契約額 年額 月額 金額 amount contractvalue"),
    ("contract:note", "備考 摘要 特記事項 note notes memo"),
    ("inquiry:number", "受付番号 問い合わせ番号 問合せ番号 チケット番号 casenumber ticketid"),
    ("inquiry:received_date", "受付日 受付日時 問い合わせ日 問合せ日 受信日 receiveddate createddate"),
    ("inquiry:channel", "受付方法 問い合わせ方法 受付経路 チャネル channel origin"),
    ("inquiry:subject", "問い合わせ件名 問合せ件名 件名 問い合わせ内容 問合せ内容 subject title"),
    ("inquiry:note", "詳細 内容 問い合わせ詳細 説明 description note"),
    ("inquiry:status", "対応状況 対応状態 状態 ステータス status"),
    (
        "order:number",
        "受注番号 受注no 受注伝票番号 注文番号 注文no オーダー番号 伝票番号 伝票no ordernumber orderno orderid number no",
    ),
    (
        "order:order_date",
        "受注日 受注年月日 受注日付 注文日 注文日時 伝票日付 伝票日 売上日 orderdate orderedon date 日付",
    ),
    ("order:delivery_date", "納期 納品日 納入日 希望納期 納品予定日 出荷予定日 deliverydate duedate"),
    ("quote|order|shipment|invoice:subject", "件名 摘要 案件名 備考 subject memo title"),
    ("order|shipment:ship_to", "納品先コード 納入先コード 直送先コード 出荷先コード 届け先コード shiptocode shipto"),
    ("order:bill_to", "請求先コード 請求先cd billto billtocode"),
    ("order|shipment|invoice:status", "受注状態 状態 ステータス status"),
    (
        "order:total",
        "受注金額 受注合計 合計金額 税込金額 総額 合計 受注額 受注金額税込 合計金額税込 金額税込 伝票合計 total \
      totalamount grandtotal ordertotal",
    ),
    (
        "invoice:total",
        "請求金額 請求額 今回請求額 請求合計 税込金額 合計金額 請求金額税込 合計金額税込 金額税込 総額 合計 \
      御請求額 total totalamount invoicetotal amountdue",
    ),
    (
        "quote|order|invoice:net",
        "税抜金額 税抜合計 小計 本体金額 税抜額 合計金額税抜 受注金額税抜 請求金額税抜 課税対象額 net netamount \
      subtotal 税抜請求額",
    ),
    ("quote|order|invoice:tax", "消費税 消費税額 税額 消費税等 tax taxamount vat"),
    (
        "quote|order|shipment|invoice:lines.product_code",
        "商品コード 商品cd 品番 製品コード 品目コード 型番 sku productcode itemcode itemno",
    ),
    (
        "quote|order|shipment|invoice:lines.description",
        "商品名 品名 商品名称 製品名 品目名 摘要 内容 明細 productname itemname item product description",
    ),
    ("quote|order|shipment|invoice:lines.quantity", "数量 受注数量 受注数 出荷数 出荷数量 個数 quantity qty"),
    ("quote|order|shipment|invoice:lines.unit", "単位 単位名 unit uom"),
    ("quote|order|invoice:lines.unit_price", "単価 受注単価 売単価 販売単価 unitprice price"),
    ("quote|order|invoice:lines.amount", "明細金額 行金額 金額 売上金額 金額税抜 lineamount linetotal amount"),
    ("quote|order|invoice:lines.tax_rate", "税率 消費税率 taxrate"),
    (
        "shipment:number",
        "出荷番号 出荷no 出荷伝票番号 納品書番号 納品番号 shipmentnumber shipmentno deliverynumber 伝票番号",
    ),
    ("shipment:ship_date", "出荷日 発送日 出荷年月日 納品日 shipdate shippeddate shippedon"),
    ("shipment:carrier", "運送会社 配送業者 配送会社 運送便 便種 carrier"),
    ("shipment:tracking", "送り状番号 追跡番号 伝票問合せ番号 問い合わせ番号 送り状no trackingnumber tracking"),
    ("shipment|invoice:orders", "受注番号 受注no 注文番号 ordernumber orderno"),
    (
        "invoice:number",
        "請求番号 請求書番号 請求no 請求書no 売上番号 伝票番号 伝票no invoicenumber invoiceno invoiceid number no",
    ),
    ("invoice:kind", "伝票区分 請求区分"),
    ("invoice:corrects", "元請求番号 元伝票番号 訂正元請求番号"),
    (
        "invoice:issue_date",
        "請求日 請求書日付 発行日 請求年月日 請求書発行日 伝票日付 売上日 invoicedate issuedate date 日付",
    ),
    ("invoice:closing_date", "請求締日 締切日 締日 締め日 closingdate"),
    ("invoice:due_date", "支払期日 支払期限 入金予定日 回収予定日 お支払期限 入金期日 duedate paymentdue"),
    (
        "payment:number",
        "入金番号 入金no 入金伝票番号 領収書番号 伝票番号 伝票no paymentnumber paymentno paymentid number",
    ),
    (
        "payment:paid_date",
        "入金日 入金年月日 入金日付 回収日 振込日 伝票日付 paiddate paymentdate receivedon date 日付",
    ),
    ("payment:method", "入金方法 入金区分 入金種別 回収方法 支払方法 決済方法 method paymentmethod"),
    ("payment:amount", "入金額 入金金額 回収額 振込金額 領収金額 金額 amount paidamount amountpaid"),
    ("payment:allocations.invoice", "消込請求番号 請求番号 請求書番号 請求no invoicenumber invoiceno"),
    ("payment:allocations.amount", "消込額 消込金額 充当額 appliedamount"),
];

/// What names of files say.
pub const FILES: &[(Noun, &[&str])] = &[
    (Noun::Customer, &["得意先", "取引先", "顧客", "customer", "account"]),
    (Noun::Site, &["納品先", "納入先", "直送先", "拠点", "site"]),
    (Noun::Contact, &["連絡先", "担当者", "名刺", "contact", "vcard"]),
    (Noun::Product, &["商品", "製品", "品目", "product", "item"]),
    (Noun::Deal, &["商談", "案件", "deal", "opportunit"]),
    (Noun::Quote, &["見積", "quote", "quotation"]),
    (Noun::Contract, &["契約", "contract"]),
    (Noun::Inquiry, &["問い合わせ", "問合せ", "inquir", "ticket"]),
    (Noun::Order, &["受注", "注文", "order"]),
    (Noun::Shipment, &["出荷", "納品書", "shipment"]),
    (Noun::Invoice, &["請求", "invoice"]),
    (Noun::Payment, &["入金", "回収", "payment"]),
];
