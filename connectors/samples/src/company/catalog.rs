//! What ひのき精機 sells: machined parts, covers, jigs, and the trial goods for packing lines.

/// One article. Prices are yen without tax, tax rates are percent.
#[derive(Debug)]
pub(crate) struct Product {
    pub code: &'static str,
    pub name: &'static str,
    pub unit: &'static str,
    pub price: i64,
    pub lot: i64,
    pub tax_rate: i64,
}

const fn product(
    code: &'static str,
    name: &'static str,
    unit: &'static str,
    price: i64,
    lot: i64,
    tax_rate: i64,
) -> Product {
    Product { code, name, unit, price, lot, tax_rate }
}

/// Standard rate.
pub(crate) const GOODS: [Product; 20] = [
    product("KV-220", "制御盤カバー KV-220", "個", 3_850, 20, 10),
    product("KV-340", "制御盤カバー KV-340", "個", 5_420, 10, 10),
    product("BR-115", "取付ブラケット BR-115", "個", 640, 100, 10),
    product("BR-128", "取付ブラケット BR-128(SUS)", "個", 1_180, 50, 10),
    product("SH-060", "研磨シャフト φ6 L200", "本", 920, 50, 10),
    product("SH-120", "研磨シャフト φ12 L350", "本", 2_140, 20, 10),
    product("GR-M10", "平歯車 M1.0 Z40", "個", 2_760, 20, 10),
    product("GR-M15", "平歯車 M1.5 Z60", "個", 4_980, 10, 10),
    product("FL-080", "フランジ FL-080", "個", 3_300, 20, 10),
    product("BS-025", "含油ブッシュ 25×30", "個", 410, 100, 10),
    product("HS-410", "ヒートシンク HS-410", "個", 1_560, 40, 10),
    product("PL-505", "切削プレート A5052 t10", "枚", 6_200, 5, 10),
    product("PL-304", "切削プレート SUS304 t6", "枚", 7_850, 5, 10),
    product("JG-201", "検査治具 JG-201", "式", 148_000, 1, 10),
    product("JG-305", "組立治具 JG-305", "式", 236_000, 1, 10),
    product("CV-030", "搬送ローラー φ30 L400", "本", 1_980, 30, 10),
    product("NZ-012", "充填ノズル NZ-012", "個", 12_400, 4, 10),
    product("RP-001", "現地修理・調整", "回", 58_000, 1, 10),
    product("TR-900", "梱包・配送", "式", 6_800, 1, 10),
    product("DR-010", "図面作成", "件", 32_000, 1, 10),
];

/// Food (軽減税率 8 %): what a packing line is tried out with at the customer's works.
pub(crate) const TRIAL_FOOD: [Product; 3] = [
    product("TF-RC2", "充填試験用 乾燥米 20kg", "袋", 7_200, 2, 8),
    product("TF-SG1", "充填試験用 上白糖 30kg", "袋", 6_100, 2, 8),
    product("TF-MX3", "搬送試験用 焼菓子(バラ)10kg", "箱", 9_400, 1, 8),
];
