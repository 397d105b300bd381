BEGIN TRANSACTION;
CREATE TABLE alerts (
    id   INTEGER PRIMARY KEY,
    key  TEXT    NOT NULL UNIQUE,
    at   INTEGER NOT NULL,
    text TEXT    NOT NULL
);
INSERT INTO "alerts" VALUES(1,'session:0.8',1795349340000000,'80 % of the session limit');
INSERT INTO "alerts" VALUES(2,'day:0.8',1795349940000000,'80 % of the day limit');
CREATE TABLE day_sums (
    simulated INTEGER NOT NULL,
    day     INTEGER NOT NULL,
    spent     INTEGER NOT NULL CHECK (typeof(spent) = 'integer'),
    held      INTEGER NOT NULL CHECK (typeof(held) = 'integer'),
    PRIMARY KEY (simulated, day)
) WITHOUT ROWID
;
INSERT INTO "day_sums" VALUES(0,20779,1162500,0);
INSERT INTO "day_sums" VALUES(0,20780,462000,0);
INSERT INTO "day_sums" VALUES(1,20779,288000,0);
INSERT INTO "day_sums" VALUES(1,20780,0,240000);
CREATE TABLE day_totals (simulated INTEGER NOT NULL, day INTEGER NOT NULL, session_id TEXT NOT NULL, model TEXT NOT NULL, status TEXT NOT NULL, tier TEXT NOT NULL, task TEXT NOT NULL, provider TEXT NOT NULL, workflow TEXT NOT NULL, step TEXT NOT NULL, notebook TEXT NOT NULL, calls INTEGER NOT NULL, attempts INTEGER NOT NULL, cache_hits INTEGER NOT NULL, estimated INTEGER NOT NULL, unknown INTEGER NOT NULL, input_tokens INTEGER NOT NULL, cache_read_tokens INTEGER NOT NULL, cache_write_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, thinking_tokens INTEGER NOT NULL, cost INTEGER NOT NULL, charged INTEGER NOT NULL, baseline INTEGER NOT NULL, saved INTEGER NOT NULL, CHECK (typeof(cost) = 'integer'), CHECK (typeof(charged) = 'integer'), CHECK (typeof(baseline) = 'integer'), CHECK (typeof(saved) = 'integer'), PRIMARY KEY (simulated, day, session_id, model, status, tier, task, provider, workflow, step, notebook)) WITHOUT ROWID;
INSERT INTO "day_totals" VALUES(0,20779,'session-0','claude-haiku-5-5','cached','small','mechanical','anthropic',X'',X'',X'',1,1,1,0,0,0,0,0,0,0,0,0,4000,4000);
INSERT INTO "day_totals" VALUES(0,20779,'session-0','claude-haiku-5-5','failed','small','general','anthropic','blog',X'',X'',1,1,0,0,0,118,0,0,58,18,133000,133000,0,-133000);
INSERT INTO "day_totals" VALUES(0,20779,'session-0','claude-haiku-5-5','ok','small','general','anthropic','blog',X'','Straße.ipynb',1,1,0,0,0,100,0,0,40,0,7000,7000,9000,2000);
INSERT INTO "day_totals" VALUES(0,20779,'session-0','claude-haiku-5-5','ok','small','general','anthropic','blog',X'',X'',1,1,0,0,0,106,0,0,46,6,49000,49000,63000,14000);
INSERT INTO "day_totals" VALUES(0,20779,'session-0','claude-haiku-5-5','truncated','small','general','anthropic','blog',X'','Straße.ipynb',1,1,0,0,0,112,0,0,52,12,91000,91000,117000,26000);
INSERT INTO "day_totals" VALUES(0,20779,'session-0','claude-haiku-5-5','unknown','small','mechanical','anthropic',X'',X'',X'',0,1,0,0,1,0,0,0,0,0,0,500,0,0);
INSERT INTO "day_totals" VALUES(0,20779,'session-0','claude-opus-5-5','failed','large','general','anthropic','mail',X'','Straße.ipynb',1,1,0,0,0,108,100,0,48,8,63000,63000,0,-63000);
INSERT INTO "day_totals" VALUES(0,20779,'session-0','claude-opus-5-5','ok','large','general','anthropic','mail',X'',X'',1,1,0,0,0,114,100,0,54,14,105000,105000,135000,30000);
INSERT INTO "day_totals" VALUES(0,20779,'session-0','claude-opus-5-5','truncated','large','general','anthropic','mail',X'',X'',1,1,0,0,0,102,100,0,42,2,21000,21000,27000,6000);
INSERT INTO "day_totals" VALUES(0,20779,'session-0','claude-sonnet-5-5','ok','medium','general','anthropic',X'',X'','Straße.ipynb',2,2,0,1,0,220,100,0,100,20,154000,154000,198000,44000);
INSERT INTO "day_totals" VALUES(0,20779,'session-0','claude-sonnet-5-5','ok','medium','general','anthropic',X'',X'',X'',1,1,0,0,0,110,50,0,50,10,77000,77000,99000,22000);
INSERT INTO "day_totals" VALUES(0,20779,'session-1','claude-haiku-5-5','failed','small','extraction','anthropic','blog','draft',X'',1,1,0,0,0,103,0,20,43,3,28000,28000,0,-28000);
INSERT INTO "day_totals" VALUES(0,20779,'session-1','claude-haiku-5-5','ok','small','extraction','anthropic','blog','draft',X'',2,2,0,0,0,224,0,40,104,24,182000,182000,234000,52000);
INSERT INTO "day_totals" VALUES(0,20779,'session-1','claude-sonnet-5-5','failed','medium','extraction','anthropic',X'','draft',X'',1,1,0,0,0,113,50,20,53,13,98000,98000,0,-98000);
INSERT INTO "day_totals" VALUES(0,20779,'session-1','claude-sonnet-5-5','ok','medium','extraction','anthropic',X'','draft',X'',2,2,0,0,0,220,100,40,100,20,154000,154000,198000,44000);
INSERT INTO "day_totals" VALUES(0,20780,'session-0','claude-opus-5-5','ok','large','general','anthropic','mail',X'','Straße.ipynb',1,1,0,0,0,120,100,0,60,20,147000,147000,189000,42000);
INSERT INTO "day_totals" VALUES(0,20780,'session-0','claude-sonnet-5-5','truncated','medium','general','anthropic',X'',X'',X'',1,1,0,0,0,122,50,0,62,22,161000,161000,207000,46000);
INSERT INTO "day_totals" VALUES(0,20780,'session-1','claude-haiku-5-5','ok','small','extraction','anthropic','blog','draft',X'',1,1,0,0,0,121,0,20,61,21,154000,154000,198000,44000);
INSERT INTO "day_totals" VALUES(1,20779,'session-1','claude-opus-5-5','ok','large','extraction','anthropic','mail','draft',X'',1,1,0,0,0,105,100,20,45,5,42000,42000,54000,12000);
INSERT INTO "day_totals" VALUES(1,20779,'session-1','claude-opus-5-5','truncated','large','extraction','anthropic','mail','draft',X'',1,1,0,0,0,117,100,20,57,17,126000,126000,162000,36000);
INSERT INTO "day_totals" VALUES(1,20779,'session-1','claude-opus-5-5','unknown','large','extraction','anthropic','mail','draft',X'',1,1,0,1,1,0,0,0,0,0,0,120000,0,0);
CREATE TABLE high_water (id INTEGER PRIMARY KEY, at INTEGER NOT NULL);
INSERT INTO "high_water" VALUES(1,1795399860000000);
CREATE TABLE quarter_models (simulated INTEGER NOT NULL, quarter INTEGER NOT NULL, model TEXT NOT NULL, tier TEXT NOT NULL, calls INTEGER NOT NULL, attempts INTEGER NOT NULL, cache_hits INTEGER NOT NULL, estimated INTEGER NOT NULL, unknown INTEGER NOT NULL, input_tokens INTEGER NOT NULL, cache_read_tokens INTEGER NOT NULL, cache_write_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, thinking_tokens INTEGER NOT NULL, cost INTEGER NOT NULL, charged INTEGER NOT NULL, baseline INTEGER NOT NULL, saved INTEGER NOT NULL, CHECK (typeof(cost) = 'integer'), CHECK (typeof(charged) = 'integer'), CHECK (typeof(baseline) = 'integer'), CHECK (typeof(saved) = 'integer'), PRIMARY KEY (simulated, quarter, model, tier)) WITHOUT ROWID;
INSERT INTO "quarter_models" VALUES(0,1994832,'claude-haiku-5-5','small',2,3,1,0,1,100,0,0,40,0,7000,7500,13000,6000);
INSERT INTO "quarter_models" VALUES(0,1994834,'claude-sonnet-5-5','medium',1,1,0,0,0,101,50,20,41,1,14000,14000,18000,4000);
INSERT INTO "quarter_models" VALUES(0,1994836,'claude-opus-5-5','large',1,1,0,0,0,102,100,0,42,2,21000,21000,27000,6000);
INSERT INTO "quarter_models" VALUES(0,1994839,'claude-haiku-5-5','small',1,1,0,0,0,103,0,20,43,3,28000,28000,0,-28000);
INSERT INTO "quarter_models" VALUES(0,1994841,'claude-sonnet-5-5','medium',1,1,0,1,0,104,50,0,44,4,35000,35000,45000,10000);
INSERT INTO "quarter_models" VALUES(0,1994846,'claude-haiku-5-5','small',1,1,0,0,0,106,0,0,46,6,49000,49000,63000,14000);
INSERT INTO "quarter_models" VALUES(0,1994851,'claude-opus-5-5','large',1,1,0,0,0,108,100,0,48,8,63000,63000,0,-63000);
INSERT INTO "quarter_models" VALUES(0,1994854,'claude-haiku-5-5','small',1,1,0,0,0,109,0,20,49,9,70000,70000,90000,20000);
INSERT INTO "quarter_models" VALUES(0,1994856,'claude-sonnet-5-5','medium',1,1,0,0,0,110,50,0,50,10,77000,77000,99000,22000);
INSERT INTO "quarter_models" VALUES(0,1994861,'claude-haiku-5-5','small',1,1,0,0,0,112,0,0,52,12,91000,91000,117000,26000);
INSERT INTO "quarter_models" VALUES(0,1994864,'claude-sonnet-5-5','medium',1,1,0,0,0,113,50,20,53,13,98000,98000,0,-98000);
INSERT INTO "quarter_models" VALUES(0,1994866,'claude-opus-5-5','large',1,1,0,0,0,114,100,0,54,14,105000,105000,135000,30000);
INSERT INTO "quarter_models" VALUES(0,1994869,'claude-haiku-5-5','small',1,1,0,0,0,115,0,20,55,15,112000,112000,144000,32000);
INSERT INTO "quarter_models" VALUES(0,1994871,'claude-sonnet-5-5','medium',1,1,0,0,0,116,50,0,56,16,119000,119000,153000,34000);
INSERT INTO "quarter_models" VALUES(0,1994876,'claude-haiku-5-5','small',1,1,0,0,0,118,0,0,58,18,133000,133000,0,-133000);
INSERT INTO "quarter_models" VALUES(0,1994878,'claude-sonnet-5-5','medium',1,1,0,0,0,119,50,20,59,19,140000,140000,180000,40000);
INSERT INTO "quarter_models" VALUES(0,1994881,'claude-opus-5-5','large',1,1,0,0,0,120,100,0,60,20,147000,147000,189000,42000);
INSERT INTO "quarter_models" VALUES(0,1994883,'claude-haiku-5-5','small',1,1,0,0,0,121,0,20,61,21,154000,154000,198000,44000);
INSERT INTO "quarter_models" VALUES(0,1994886,'claude-sonnet-5-5','medium',1,1,0,0,0,122,50,0,62,22,161000,161000,207000,46000);
INSERT INTO "quarter_models" VALUES(1,1994844,'claude-opus-5-5','large',1,1,0,0,0,105,100,20,45,5,42000,42000,54000,12000);
INSERT INTO "quarter_models" VALUES(1,1994859,'claude-opus-5-5','large',1,1,0,1,1,0,0,0,0,0,0,120000,0,0);
INSERT INTO "quarter_models" VALUES(1,1994873,'claude-opus-5-5','large',1,1,0,0,0,117,100,20,57,17,126000,126000,162000,36000);
CREATE TABLE quarter_sums (
    simulated INTEGER NOT NULL,
    quarter     INTEGER NOT NULL,
    spent     INTEGER NOT NULL CHECK (typeof(spent) = 'integer'),
    held      INTEGER NOT NULL CHECK (typeof(held) = 'integer'),
    PRIMARY KEY (simulated, quarter)
) WITHOUT ROWID
;
INSERT INTO "quarter_sums" VALUES(0,1994832,7500,0);
INSERT INTO "quarter_sums" VALUES(0,1994834,14000,0);
INSERT INTO "quarter_sums" VALUES(0,1994836,21000,0);
INSERT INTO "quarter_sums" VALUES(0,1994839,28000,0);
INSERT INTO "quarter_sums" VALUES(0,1994841,35000,0);
INSERT INTO "quarter_sums" VALUES(0,1994846,49000,0);
INSERT INTO "quarter_sums" VALUES(0,1994851,63000,0);
INSERT INTO "quarter_sums" VALUES(0,1994854,70000,0);
INSERT INTO "quarter_sums" VALUES(0,1994856,77000,0);
INSERT INTO "quarter_sums" VALUES(0,1994861,91000,0);
INSERT INTO "quarter_sums" VALUES(0,1994864,98000,0);
INSERT INTO "quarter_sums" VALUES(0,1994866,105000,0);
INSERT INTO "quarter_sums" VALUES(0,1994869,112000,0);
INSERT INTO "quarter_sums" VALUES(0,1994871,119000,0);
INSERT INTO "quarter_sums" VALUES(0,1994876,133000,0);
INSERT INTO "quarter_sums" VALUES(0,1994878,140000,0);
INSERT INTO "quarter_sums" VALUES(0,1994881,147000,0);
INSERT INTO "quarter_sums" VALUES(0,1994883,154000,0);
INSERT INTO "quarter_sums" VALUES(0,1994886,161000,0);
INSERT INTO "quarter_sums" VALUES(1,1994844,42000,0);
INSERT INTO "quarter_sums" VALUES(1,1994859,120000,0);
INSERT INTO "quarter_sums" VALUES(1,1994873,126000,0);
INSERT INTO "quarter_sums" VALUES(1,1994888,0,240000);
CREATE TABLE quarter_totals (simulated INTEGER NOT NULL, quarter INTEGER NOT NULL, session_id TEXT NOT NULL, model TEXT NOT NULL, status TEXT NOT NULL, tier TEXT NOT NULL, task TEXT NOT NULL, provider TEXT NOT NULL, workflow TEXT NOT NULL, step TEXT NOT NULL, notebook TEXT NOT NULL, calls INTEGER NOT NULL, attempts INTEGER NOT NULL, cache_hits INTEGER NOT NULL, estimated INTEGER NOT NULL, unknown INTEGER NOT NULL, input_tokens INTEGER NOT NULL, cache_read_tokens INTEGER NOT NULL, cache_write_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, thinking_tokens INTEGER NOT NULL, cost INTEGER NOT NULL, charged INTEGER NOT NULL, baseline INTEGER NOT NULL, saved INTEGER NOT NULL, CHECK (typeof(cost) = 'integer'), CHECK (typeof(charged) = 'integer'), CHECK (typeof(baseline) = 'integer'), CHECK (typeof(saved) = 'integer'), PRIMARY KEY (simulated, quarter, session_id, model, status, tier, task, provider, workflow, step, notebook)) WITHOUT ROWID;
INSERT INTO "quarter_totals" VALUES(0,1994832,'session-0','claude-haiku-5-5','cached','small','mechanical','anthropic',X'',X'',X'',1,1,1,0,0,0,0,0,0,0,0,0,4000,4000);
INSERT INTO "quarter_totals" VALUES(0,1994832,'session-0','claude-haiku-5-5','ok','small','general','anthropic','blog',X'','Straße.ipynb',1,1,0,0,0,100,0,0,40,0,7000,7000,9000,2000);
INSERT INTO "quarter_totals" VALUES(0,1994832,'session-0','claude-haiku-5-5','unknown','small','mechanical','anthropic',X'',X'',X'',0,1,0,0,1,0,0,0,0,0,0,500,0,0);
INSERT INTO "quarter_totals" VALUES(0,1994834,'session-1','claude-sonnet-5-5','ok','medium','extraction','anthropic',X'','draft',X'',1,1,0,0,0,101,50,20,41,1,14000,14000,18000,4000);
INSERT INTO "quarter_totals" VALUES(0,1994836,'session-0','claude-opus-5-5','truncated','large','general','anthropic','mail',X'',X'',1,1,0,0,0,102,100,0,42,2,21000,21000,27000,6000);
INSERT INTO "quarter_totals" VALUES(0,1994839,'session-1','claude-haiku-5-5','failed','small','extraction','anthropic','blog','draft',X'',1,1,0,0,0,103,0,20,43,3,28000,28000,0,-28000);
INSERT INTO "quarter_totals" VALUES(0,1994841,'session-0','claude-sonnet-5-5','ok','medium','general','anthropic',X'',X'','Straße.ipynb',1,1,0,1,0,104,50,0,44,4,35000,35000,45000,10000);
INSERT INTO "quarter_totals" VALUES(0,1994846,'session-0','claude-haiku-5-5','ok','small','general','anthropic','blog',X'',X'',1,1,0,0,0,106,0,0,46,6,49000,49000,63000,14000);
INSERT INTO "quarter_totals" VALUES(0,1994851,'session-0','claude-opus-5-5','failed','large','general','anthropic','mail',X'','Straße.ipynb',1,1,0,0,0,108,100,0,48,8,63000,63000,0,-63000);
INSERT INTO "quarter_totals" VALUES(0,1994854,'session-1','claude-haiku-5-5','ok','small','extraction','anthropic','blog','draft',X'',1,1,0,0,0,109,0,20,49,9,70000,70000,90000,20000);
INSERT INTO "quarter_totals" VALUES(0,1994856,'session-0','claude-sonnet-5-5','ok','medium','general','anthropic',X'',X'',X'',1,1,0,0,0,110,50,0,50,10,77000,77000,99000,22000);
INSERT INTO "quarter_totals" VALUES(0,1994861,'session-0','claude-haiku-5-5','truncated','small','general','anthropic','blog',X'','Straße.ipynb',1,1,0,0,0,112,0,0,52,12,91000,91000,117000,26000);
INSERT INTO "quarter_totals" VALUES(0,1994864,'session-1','claude-sonnet-5-5','failed','medium','extraction','anthropic',X'','draft',X'',1,1,0,0,0,113,50,20,53,13,98000,98000,0,-98000);
INSERT INTO "quarter_totals" VALUES(0,1994866,'session-0','claude-opus-5-5','ok','large','general','anthropic','mail',X'',X'',1,1,0,0,0,114,100,0,54,14,105000,105000,135000,30000);
INSERT INTO "quarter_totals" VALUES(0,1994869,'session-1','claude-haiku-5-5','ok','small','extraction','anthropic','blog','draft',X'',1,1,0,0,0,115,0,20,55,15,112000,112000,144000,32000);
INSERT INTO "quarter_totals" VALUES(0,1994871,'session-0','claude-sonnet-5-5','ok','medium','general','anthropic',X'',X'','Straße.ipynb',1,1,0,0,0,116,50,0,56,16,119000,119000,153000,34000);
INSERT INTO "quarter_totals" VALUES(0,1994876,'session-0','claude-haiku-5-5','failed','small','general','anthropic','blog',X'',X'',1,1,0,0,0,118,0,0,58,18,133000,133000,0,-133000);
INSERT INTO "quarter_totals" VALUES(0,1994878,'session-1','claude-sonnet-5-5','ok','medium','extraction','anthropic',X'','draft',X'',1,1,0,0,0,119,50,20,59,19,140000,140000,180000,40000);
INSERT INTO "quarter_totals" VALUES(0,1994881,'session-0','claude-opus-5-5','ok','large','general','anthropic','mail',X'','Straße.ipynb',1,1,0,0,0,120,100,0,60,20,147000,147000,189000,42000);
INSERT INTO "quarter_totals" VALUES(0,1994883,'session-1','claude-haiku-5-5','ok','small','extraction','anthropic','blog','draft',X'',1,1,0,0,0,121,0,20,61,21,154000,154000,198000,44000);
INSERT INTO "quarter_totals" VALUES(0,1994886,'session-0','claude-sonnet-5-5','truncated','medium','general','anthropic',X'',X'',X'',1,1,0,0,0,122,50,0,62,22,161000,161000,207000,46000);
INSERT INTO "quarter_totals" VALUES(1,1994844,'session-1','claude-opus-5-5','ok','large','extraction','anthropic','mail','draft',X'',1,1,0,0,0,105,100,20,45,5,42000,42000,54000,12000);
INSERT INTO "quarter_totals" VALUES(1,1994859,'session-1','claude-opus-5-5','unknown','large','extraction','anthropic','mail','draft',X'',1,1,0,1,1,0,0,0,0,0,0,120000,0,0);
INSERT INTO "quarter_totals" VALUES(1,1994873,'session-1','claude-opus-5-5','truncated','large','extraction','anthropic','mail','draft',X'',1,1,0,0,0,117,100,20,57,17,126000,126000,162000,36000);
CREATE TABLE records (
    id                    INTEGER PRIMARY KEY,
    call_id               TEXT    NOT NULL,
    attempt               INTEGER NOT NULL,
    at                    INTEGER NOT NULL,
    session_id            TEXT    NOT NULL,
    provider              TEXT    NOT NULL,
    model                 TEXT    NOT NULL,
    tier                  TEXT    NOT NULL,
    task                  TEXT    NOT NULL,
    status                TEXT    NOT NULL,
    simulated             INTEGER NOT NULL,
    reason                TEXT    NOT NULL,
    notebook              TEXT,
    cell                  TEXT,
    workflow              TEXT,
    step                  TEXT,
    input_tokens          INTEGER NOT NULL,
    cache_read_tokens     INTEGER NOT NULL,
    cache_write_5m_tokens INTEGER NOT NULL,
    cache_write_1h_tokens INTEGER NOT NULL,
    output_tokens         INTEGER NOT NULL,
    thinking_tokens       INTEGER NOT NULL,
    web_searches          INTEGER NOT NULL,
    service_tier          TEXT    NOT NULL,
    speed                 TEXT    NOT NULL,
    geo                   TEXT    NOT NULL,
    cost                  INTEGER,
    charged               INTEGER,
    baseline              INTEGER,
    cache_hit             INTEGER NOT NULL,
    estimated             INTEGER NOT NULL,
    latency_s             REAL    NOT NULL,
    price_as_of           TEXT    NOT NULL,
    effort TEXT, structured INTEGER NOT NULL DEFAULT 0, thread TEXT, trimmed_tokens INTEGER NOT NULL DEFAULT 0, trimmed INTEGER DEFAULT 0, estimated_prose INTEGER, estimated_code INTEGER, estimated_wide INTEGER, estimated_overhead INTEGER,
    lease_until           INTEGER,
    UNIQUE (call_id, attempt),
    CHECK (status <> 'pending' OR lease_until IS NOT NULL)
);
INSERT INTO "records" VALUES(1,'call-0',1,1795348800000000,'session-0','anthropic','claude-haiku-5-5','small','general','ok',0,'rule: extraction; "quoted" ''words''','Straße.ipynb',NULL,'blog',NULL,100,0,0,0,40,0,0,'standard','standard','global',7000,7000,9000,0,0,0.5,'genai-prices 0.2.3',NULL,0,NULL,0,0,90,0,0,7,NULL);
INSERT INTO "records" VALUES(2,'call-1',1,1795351020000000,'session-1','anthropic','claude-sonnet-5-5','medium','extraction','ok',0,'rule: extraction; "quoted" ''words''',NULL,NULL,NULL,'draft',101,50,20,0,41,1,0,'standard','standard','global',14000,14000,18000,0,0,1.5,'genai-prices 0.2.3','low',0,'notes',0,0,91,1,2,7,NULL);
INSERT INTO "records" VALUES(3,'call-2',1,1795353240000000,'session-0','anthropic','claude-opus-5-5','large','general','truncated',0,'rule: extraction; "quoted" ''words''',NULL,NULL,'mail',NULL,102,100,0,0,42,2,0,'standard','standard','global',21000,21000,27000,0,0,2.5,'genai-prices 0.2.3','high',0,NULL,0,0,92,2,0,7,NULL);
INSERT INTO "records" VALUES(4,'call-3',1,1795355460000000,'session-1','anthropic','claude-haiku-5-5','small','extraction','failed',0,'rule: extraction; "quoted" ''words''',NULL,NULL,'blog','draft',103,0,20,0,43,3,0,'standard','standard','global',28000,28000,0,0,0,3.5,'genai-prices 0.2.3',NULL,0,NULL,0,0,93,3,2,7,NULL);
INSERT INTO "records" VALUES(5,'call-4',1,1795357680000000,'session-0','anthropic','claude-sonnet-5-5','medium','general','ok',0,'rule: extraction; "quoted" ''words''','Straße.ipynb',NULL,NULL,NULL,104,50,0,0,44,4,0,'standard','standard','global',35000,35000,45000,0,1,4.5,'genai-prices 0.2.3','low',0,NULL,0,0,94,4,0,7,NULL);
INSERT INTO "records" VALUES(6,'call-5',1,1795359900000000,'session-1','anthropic','claude-opus-5-5','large','extraction','ok',1,'rule: extraction; "quoted" ''words''',NULL,NULL,'mail','draft',105,100,20,0,45,5,0,'standard','standard','global',42000,42000,54000,0,0,5.5,'genai-prices 0.2.3','high',1,'notes',300,3000,95,0,2,7,NULL);
INSERT INTO "records" VALUES(7,'call-6',1,1795362120000000,'session-0','anthropic','claude-haiku-5-5','small','general','ok',0,'rule: extraction; "quoted" ''words''',NULL,NULL,'blog',NULL,106,0,0,0,46,6,0,'standard','standard','global',49000,49000,63000,0,0,6.5,'genai-prices 0.2.3',NULL,0,NULL,0,0,96,1,0,7,NULL);
INSERT INTO "records" VALUES(8,'call-8',1,1795366560000000,'session-0','anthropic','claude-opus-5-5','large','general','failed',0,'rule: extraction; "quoted" ''words''','Straße.ipynb',NULL,'mail',NULL,108,100,0,0,48,8,0,'standard','standard','global',63000,63000,0,0,0,8.5,'genai-prices 0.2.3','low',0,NULL,0,0,97,2,2,7,NULL);
INSERT INTO "records" VALUES(9,'call-9',1,1795368780000000,'session-1','anthropic','claude-haiku-5-5','small','extraction','ok',0,'rule: extraction; "quoted" ''words''',NULL,NULL,'blog','draft',109,0,20,0,49,9,0,'standard','standard','global',70000,70000,90000,0,0,9.5,'genai-prices 0.2.3','high',0,NULL,0,0,98,3,0,7,NULL);
INSERT INTO "records" VALUES(10,'call-10',1,1795371000000000,'session-0','anthropic','claude-sonnet-5-5','medium','general','ok',0,'rule: extraction; "quoted" ''words''',NULL,NULL,NULL,NULL,110,50,0,0,50,10,0,'standard','standard','global',77000,77000,99000,0,0,10.5,'genai-prices 0.2.3',NULL,0,'notes',0,0,99,4,2,7,NULL);
INSERT INTO "records" VALUES(11,'call-11',1,1795373220000000,'session-1','anthropic','claude-opus-5-5','large','extraction','unknown',1,'process ended before the answer was recorded; possibly billed',NULL,NULL,'mail','draft',0,0,0,0,0,0,0,'standard','standard','global',NULL,120000,0,0,1,0.0,'genai-prices 0.2.3','low',0,NULL,0,0,100,0,0,7,1795374120000000);
INSERT INTO "records" VALUES(12,'call-12',1,1795375440000000,'session-0','anthropic','claude-haiku-5-5','small','general','truncated',0,'rule: extraction; "quoted" ''words''','Straße.ipynb',NULL,'blog',NULL,112,0,0,0,52,12,0,'standard','standard','global',91000,91000,117000,0,0,12.5,'genai-prices 0.2.3','high',1,NULL,300,3000,101,1,2,7,NULL);
INSERT INTO "records" VALUES(13,'call-13',1,1795377660000000,'session-1','anthropic','claude-sonnet-5-5','medium','extraction','failed',0,'rule: extraction; "quoted" ''words''',NULL,NULL,NULL,'draft',113,50,20,0,53,13,0,'standard','standard','global',98000,98000,0,0,0,13.5,'genai-prices 0.2.3',NULL,0,NULL,0,0,102,2,0,7,NULL);
INSERT INTO "records" VALUES(14,'call-14',1,1795379880000000,'session-0','anthropic','claude-opus-5-5','large','general','ok',0,'rule: extraction; "quoted" ''words''',NULL,NULL,'mail',NULL,114,100,0,0,54,14,0,'standard','standard','global',105000,105000,135000,0,0,14.5,'genai-prices 0.2.3','low',0,'notes',0,0,103,3,2,7,NULL);
INSERT INTO "records" VALUES(15,'call-15',1,1795382100000000,'session-1','anthropic','claude-haiku-5-5','small','extraction','ok',0,'rule: extraction; "quoted" ''words''',NULL,NULL,'blog','draft',115,0,20,0,55,15,0,'standard','standard','global',112000,112000,144000,0,0,15.5,'genai-prices 0.2.3','high',0,NULL,0,0,104,4,0,7,NULL);
INSERT INTO "records" VALUES(16,'call-16',1,1795384320000000,'session-0','anthropic','claude-sonnet-5-5','medium','general','ok',0,'rule: extraction; "quoted" ''words''','Straße.ipynb',NULL,NULL,NULL,116,50,0,0,56,16,0,'standard','standard','global',119000,119000,153000,0,0,16.5,'genai-prices 0.2.3',NULL,0,NULL,0,0,105,0,2,7,NULL);
INSERT INTO "records" VALUES(17,'call-17',1,1795386540000000,'session-1','anthropic','claude-opus-5-5','large','extraction','truncated',1,'rule: extraction; "quoted" ''words''',NULL,NULL,'mail','draft',117,100,20,0,57,17,0,'standard','standard','global',126000,126000,162000,0,0,17.5,'genai-prices 0.2.3','low',0,NULL,0,0,106,1,0,7,NULL);
INSERT INTO "records" VALUES(18,'call-18',1,1795388760000000,'session-0','anthropic','claude-haiku-5-5','small','general','failed',0,'rule: extraction; "quoted" ''words''',NULL,NULL,'blog',NULL,118,0,0,0,58,18,0,'standard','standard','global',133000,133000,0,0,0,18.5,'genai-prices 0.2.3','high',1,'notes',300,3000,107,2,2,7,NULL);
INSERT INTO "records" VALUES(19,'call-19',1,1795390980000000,'session-1','anthropic','claude-sonnet-5-5','medium','extraction','ok',0,'rule: extraction; "quoted" ''words''',NULL,NULL,NULL,'draft',119,50,20,0,59,19,0,'standard','standard','global',140000,140000,180000,0,0,19.5,'genai-prices 0.2.3',NULL,0,NULL,0,0,108,3,0,7,NULL);
INSERT INTO "records" VALUES(20,'call-20',1,1795393200000000,'session-0','anthropic','claude-opus-5-5','large','general','ok',0,'rule: extraction; "quoted" ''words''','Straße.ipynb',NULL,'mail',NULL,120,100,0,0,60,20,0,'standard','standard','global',147000,147000,189000,0,0,20.5,'genai-prices 0.2.3','low',0,NULL,0,0,109,4,2,7,NULL);
INSERT INTO "records" VALUES(21,'call-21',1,1795395420000000,'session-1','anthropic','claude-haiku-5-5','small','extraction','ok',0,'rule: extraction; "quoted" ''words''',NULL,NULL,'blog','draft',121,0,20,0,61,21,0,'standard','standard','global',154000,154000,198000,0,0,21.5,'genai-prices 0.2.3','high',0,NULL,0,0,110,0,0,7,NULL);
INSERT INTO "records" VALUES(22,'call-22',1,1795397640000000,'session-0','anthropic','claude-sonnet-5-5','medium','general','truncated',0,'rule: extraction; "quoted" ''words''',NULL,NULL,NULL,NULL,122,50,0,0,62,22,0,'standard','standard','global',161000,161000,207000,0,0,22.5,'genai-prices 0.2.3',NULL,0,'notes',0,0,111,1,2,7,NULL);
INSERT INTO "records" VALUES(23,'call-23',1,1795399860000000,'session-1','anthropic','claude-opus-5-5','large','extraction','pending',1,'rule: mechanical',NULL,NULL,'mail','draft',0,0,0,0,0,0,0,'standard','standard','global',NULL,240000,0,0,0,0.0,'genai-prices 0.2.3','low',0,NULL,0,0,112,2,0,7,1795400760000000);
INSERT INTO "records" VALUES(24,'call-0',2,1795348860000000,'session-0','anthropic','claude-haiku-5-5','small','mechanical','unknown',0,'rule: mechanical',NULL,NULL,NULL,NULL,0,0,0,0,0,0,0,'standard','standard','global',NULL,500,0,0,0,0.0,'','high',0,NULL,0,0,113,3,2,7,NULL);
INSERT INTO "records" VALUES(25,'cached',1,1795349100000000,'session-0','anthropic','claude-haiku-5-5','small','mechanical','cached',0,'rule: mechanical',NULL,NULL,NULL,NULL,0,0,0,0,0,0,0,'standard','standard','global',0,0,4000,1,0,0.0,'',NULL,0,NULL,0,0,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE session_sums (
    simulated INTEGER NOT NULL,
    session_id     TEXT NOT NULL,
    spent     INTEGER NOT NULL CHECK (typeof(spent) = 'integer'),
    held      INTEGER NOT NULL CHECK (typeof(held) = 'integer'),
    PRIMARY KEY (simulated, session_id)
) WITHOUT ROWID
;
INSERT INTO "session_sums" VALUES(0,'session-0',1008500,0);
INSERT INTO "session_sums" VALUES(0,'session-1',616000,0);
INSERT INTO "session_sums" VALUES(1,'session-1',288000,240000);
CREATE TABLE window_sums (
    simulated INTEGER NOT NULL,
    window     INTEGER NOT NULL,
    spent     INTEGER NOT NULL CHECK (typeof(spent) = 'integer'),
    held      INTEGER NOT NULL CHECK (typeof(held) = 'integer'),
    PRIMARY KEY (simulated, window)
) WITHOUT ROWID
;
INSERT INTO "window_sums" VALUES(0,2992248,7500,0);
INSERT INTO "window_sums" VALUES(0,2992251,14000,0);
INSERT INTO "window_sums" VALUES(0,2992255,21000,0);
INSERT INTO "window_sums" VALUES(0,2992259,28000,0);
INSERT INTO "window_sums" VALUES(0,2992262,35000,0);
INSERT INTO "window_sums" VALUES(0,2992270,49000,0);
INSERT INTO "window_sums" VALUES(0,2992277,63000,0);
INSERT INTO "window_sums" VALUES(0,2992281,70000,0);
INSERT INTO "window_sums" VALUES(0,2992285,77000,0);
INSERT INTO "window_sums" VALUES(0,2992292,91000,0);
INSERT INTO "window_sums" VALUES(0,2992296,98000,0);
INSERT INTO "window_sums" VALUES(0,2992299,105000,0);
INSERT INTO "window_sums" VALUES(0,2992303,112000,0);
INSERT INTO "window_sums" VALUES(0,2992307,119000,0);
INSERT INTO "window_sums" VALUES(0,2992314,133000,0);
INSERT INTO "window_sums" VALUES(0,2992318,140000,0);
INSERT INTO "window_sums" VALUES(0,2992322,147000,0);
INSERT INTO "window_sums" VALUES(0,2992325,154000,0);
INSERT INTO "window_sums" VALUES(0,2992329,161000,0);
INSERT INTO "window_sums" VALUES(1,2992266,42000,0);
INSERT INTO "window_sums" VALUES(1,2992288,120000,0);
INSERT INTO "window_sums" VALUES(1,2992310,126000,0);
INSERT INTO "window_sums" VALUES(1,2992333,0,240000);
CREATE VIEW counting AS SELECT simulated, quarter AS at, session_id, model, status, tier, task, provider, workflow, step, notebook, calls, attempts, cache_hits, estimated, unknown, input_tokens, cache_read_tokens, cache_write_tokens, output_tokens, thinking_tokens, cost, charged, baseline, saved FROM quarter_totals;
CREATE TRIGGER added_up INSTEAD OF INSERT ON counting BEGIN INSERT INTO quarter_models VALUES (NEW.simulated, NEW.at / 900000000, NEW.model, NEW.tier, NEW.calls, NEW.attempts, NEW.cache_hits, NEW.estimated, NEW.unknown, NEW.input_tokens, NEW.cache_read_tokens, NEW.cache_write_tokens, NEW.output_tokens, NEW.thinking_tokens, NEW.cost, NEW.charged, NEW.baseline, NEW.saved) ON CONFLICT (simulated, quarter, model, tier) DO UPDATE SET calls = calls + excluded.calls, attempts = attempts + excluded.attempts, cache_hits = cache_hits + excluded.cache_hits, estimated = estimated + excluded.estimated, unknown = unknown + excluded.unknown, input_tokens = input_tokens + excluded.input_tokens, cache_read_tokens = cache_read_tokens + excluded.cache_read_tokens, cache_write_tokens = cache_write_tokens + excluded.cache_write_tokens, output_tokens = output_tokens + excluded.output_tokens, thinking_tokens = thinking_tokens + excluded.thinking_tokens, cost = cost + excluded.cost, charged = charged + excluded.charged, baseline = baseline + excluded.baseline, saved = saved + excluded.saved; INSERT INTO quarter_totals VALUES (NEW.simulated, NEW.at / 900000000, NEW.session_id, NEW.model, NEW.status, NEW.tier, NEW.task, NEW.provider, NEW.workflow, NEW.step, NEW.notebook, NEW.calls, NEW.attempts, NEW.cache_hits, NEW.estimated, NEW.unknown, NEW.input_tokens, NEW.cache_read_tokens, NEW.cache_write_tokens, NEW.output_tokens, NEW.thinking_tokens, NEW.cost, NEW.charged, NEW.baseline, NEW.saved) ON CONFLICT (simulated, quarter, session_id, model, status, tier, task, provider, workflow, step, notebook) DO UPDATE SET calls = calls + excluded.calls, attempts = attempts + excluded.attempts, cache_hits = cache_hits + excluded.cache_hits, estimated = estimated + excluded.estimated, unknown = unknown + excluded.unknown, input_tokens = input_tokens + excluded.input_tokens, cache_read_tokens = cache_read_tokens + excluded.cache_read_tokens, cache_write_tokens = cache_write_tokens + excluded.cache_write_tokens, output_tokens = output_tokens + excluded.output_tokens, thinking_tokens = thinking_tokens + excluded.thinking_tokens, cost = cost + excluded.cost, charged = charged + excluded.charged, baseline = baseline + excluded.baseline, saved = saved + excluded.saved; INSERT INTO day_totals VALUES (NEW.simulated, NEW.at / 86400000000, NEW.session_id, NEW.model, NEW.status, NEW.tier, NEW.task, NEW.provider, NEW.workflow, NEW.step, NEW.notebook, NEW.calls, NEW.attempts, NEW.cache_hits, NEW.estimated, NEW.unknown, NEW.input_tokens, NEW.cache_read_tokens, NEW.cache_write_tokens, NEW.output_tokens, NEW.thinking_tokens, NEW.cost, NEW.charged, NEW.baseline, NEW.saved) ON CONFLICT (simulated, day, session_id, model, status, tier, task, provider, workflow, step, notebook) DO UPDATE SET calls = calls + excluded.calls, attempts = attempts + excluded.attempts, cache_hits = cache_hits + excluded.cache_hits, estimated = estimated + excluded.estimated, unknown = unknown + excluded.unknown, input_tokens = input_tokens + excluded.input_tokens, cache_read_tokens = cache_read_tokens + excluded.cache_read_tokens, cache_write_tokens = cache_write_tokens + excluded.cache_write_tokens, output_tokens = output_tokens + excluded.output_tokens, thinking_tokens = thinking_tokens + excluded.thinking_tokens, cost = cost + excluded.cost, charged = charged + excluded.charged, baseline = baseline + excluded.baseline, saved = saved + excluded.saved; END;
CREATE INDEX records_by_time ON records (at);
CREATE INDEX records_by_session ON records (session_id, at);
CREATE INDEX records_held ON records (lease_until) WHERE status = 'pending';
CREATE INDEX records_answered ON records (task, model, simulated, id) WHERE status IN ('ok', 'truncated', 'escalated');
CREATE INDEX records_counted ON records (simulated, id) WHERE estimated_prose IS NOT NULL AND NOT estimated AND status <> 'pending';
CREATE INDEX records_in_threads ON records (simulated, id) WHERE thread IS NOT NULL AND attempt = 1 AND NOT cache_hit;
CREATE INDEX records_special ON records (simulated, at / 86400000000, provider, model, service_tier, speed, geo, at, input_tokens, cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens, thinking_tokens, trimmed_tokens, trimmed, cost, baseline, cache_hit, status) WHERE status <> 'pending' AND ((cache_read_tokens > 0 OR cache_write_5m_tokens > 0 OR cache_write_1h_tokens > 0) OR thinking_tokens > 0 OR (trimmed_tokens > 0 AND cost IS NOT 0) OR (baseline IS NULL AND cost IS NOT NULL));
CREATE TRIGGER added AFTER INSERT ON records BEGIN INSERT INTO window_sums VALUES (NEW.simulated, NEW.at / 600000000, CASE WHEN NEW.status = 'pending' THEN 0 ELSE coalesce(NEW.charged, 0) END, CASE WHEN NEW.status = 'pending' THEN coalesce(NEW.charged, 0) ELSE 0 END) ON CONFLICT (simulated, window) DO UPDATE SET spent = spent + excluded.spent, held = held + excluded.held; INSERT INTO quarter_sums VALUES (NEW.simulated, NEW.at / 900000000, CASE WHEN NEW.status = 'pending' THEN 0 ELSE coalesce(NEW.charged, 0) END, CASE WHEN NEW.status = 'pending' THEN coalesce(NEW.charged, 0) ELSE 0 END) ON CONFLICT (simulated, quarter) DO UPDATE SET spent = spent + excluded.spent, held = held + excluded.held; INSERT INTO day_sums VALUES (NEW.simulated, NEW.at / 86400000000, CASE WHEN NEW.status = 'pending' THEN 0 ELSE coalesce(NEW.charged, 0) END, CASE WHEN NEW.status = 'pending' THEN coalesce(NEW.charged, 0) ELSE 0 END) ON CONFLICT (simulated, day) DO UPDATE SET spent = spent + excluded.spent, held = held + excluded.held; INSERT INTO session_sums VALUES (NEW.simulated, NEW.session_id, CASE WHEN NEW.status = 'pending' THEN 0 ELSE coalesce(NEW.charged, 0) END, CASE WHEN NEW.status = 'pending' THEN coalesce(NEW.charged, 0) ELSE 0 END) ON CONFLICT (simulated, session_id) DO UPDATE SET spent = spent + excluded.spent, held = held + excluded.held; INSERT INTO high_water VALUES (1, NEW.at) ON CONFLICT (id) DO UPDATE SET at = max(at, excluded.at); END;
CREATE TRIGGER changed AFTER UPDATE OF status, charged ON records BEGIN INSERT INTO window_sums VALUES (NEW.simulated, NEW.at / 600000000, CASE WHEN NEW.status = 'pending' THEN 0 ELSE coalesce(NEW.charged, 0) END - CASE WHEN OLD.status = 'pending' THEN 0 ELSE coalesce(OLD.charged, 0) END, CASE WHEN NEW.status = 'pending' THEN coalesce(NEW.charged, 0) ELSE 0 END - CASE WHEN OLD.status = 'pending' THEN coalesce(OLD.charged, 0) ELSE 0 END) ON CONFLICT (simulated, window) DO UPDATE SET spent = spent + excluded.spent, held = held + excluded.held; INSERT INTO quarter_sums VALUES (NEW.simulated, NEW.at / 900000000, CASE WHEN NEW.status = 'pending' THEN 0 ELSE coalesce(NEW.charged, 0) END - CASE WHEN OLD.status = 'pending' THEN 0 ELSE coalesce(OLD.charged, 0) END, CASE WHEN NEW.status = 'pending' THEN coalesce(NEW.charged, 0) ELSE 0 END - CASE WHEN OLD.status = 'pending' THEN coalesce(OLD.charged, 0) ELSE 0 END) ON CONFLICT (simulated, quarter) DO UPDATE SET spent = spent + excluded.spent, held = held + excluded.held; INSERT INTO day_sums VALUES (NEW.simulated, NEW.at / 86400000000, CASE WHEN NEW.status = 'pending' THEN 0 ELSE coalesce(NEW.charged, 0) END - CASE WHEN OLD.status = 'pending' THEN 0 ELSE coalesce(OLD.charged, 0) END, CASE WHEN NEW.status = 'pending' THEN coalesce(NEW.charged, 0) ELSE 0 END - CASE WHEN OLD.status = 'pending' THEN coalesce(OLD.charged, 0) ELSE 0 END) ON CONFLICT (simulated, day) DO UPDATE SET spent = spent + excluded.spent, held = held + excluded.held; INSERT INTO session_sums VALUES (NEW.simulated, NEW.session_id, CASE WHEN NEW.status = 'pending' THEN 0 ELSE coalesce(NEW.charged, 0) END - CASE WHEN OLD.status = 'pending' THEN 0 ELSE coalesce(OLD.charged, 0) END, CASE WHEN NEW.status = 'pending' THEN coalesce(NEW.charged, 0) ELSE 0 END - CASE WHEN OLD.status = 'pending' THEN coalesce(OLD.charged, 0) ELSE 0 END) ON CONFLICT (simulated, session_id) DO UPDATE SET spent = spent + excluded.spent, held = held + excluded.held; END;
CREATE TRIGGER removed AFTER DELETE ON records BEGIN INSERT INTO window_sums VALUES (OLD.simulated, OLD.at / 600000000, -(CASE WHEN OLD.status = 'pending' THEN 0 ELSE coalesce(OLD.charged, 0) END), -(CASE WHEN OLD.status = 'pending' THEN coalesce(OLD.charged, 0) ELSE 0 END)) ON CONFLICT (simulated, window) DO UPDATE SET spent = spent + excluded.spent, held = held + excluded.held; INSERT INTO quarter_sums VALUES (OLD.simulated, OLD.at / 900000000, -(CASE WHEN OLD.status = 'pending' THEN 0 ELSE coalesce(OLD.charged, 0) END), -(CASE WHEN OLD.status = 'pending' THEN coalesce(OLD.charged, 0) ELSE 0 END)) ON CONFLICT (simulated, quarter) DO UPDATE SET spent = spent + excluded.spent, held = held + excluded.held; INSERT INTO day_sums VALUES (OLD.simulated, OLD.at / 86400000000, -(CASE WHEN OLD.status = 'pending' THEN 0 ELSE coalesce(OLD.charged, 0) END), -(CASE WHEN OLD.status = 'pending' THEN coalesce(OLD.charged, 0) ELSE 0 END)) ON CONFLICT (simulated, day) DO UPDATE SET spent = spent + excluded.spent, held = held + excluded.held; INSERT INTO session_sums VALUES (OLD.simulated, OLD.session_id, -(CASE WHEN OLD.status = 'pending' THEN 0 ELSE coalesce(OLD.charged, 0) END), -(CASE WHEN OLD.status = 'pending' THEN coalesce(OLD.charged, 0) ELSE 0 END)) ON CONFLICT (simulated, session_id) DO UPDATE SET spent = spent + excluded.spent, held = held + excluded.held; END;
CREATE TRIGGER kept BEFORE UPDATE OF call_id, attempt, at, session_id, simulated ON records BEGIN SELECT RAISE(ABORT, 'a record stays where it was reserved'); END;
CREATE TRIGGER counted AFTER INSERT ON records WHEN NOT NEW.status = 'pending' BEGIN INSERT INTO counting VALUES (NEW.simulated, NEW.at, NEW.session_id, NEW.model, NEW.status, NEW.tier, NEW.task, NEW.provider, coalesce(NEW.workflow, x''), coalesce(NEW.step, x''), coalesce(NEW.notebook, x''), NEW.attempt = 1, 1, NEW.cache_hit, NEW.estimated, NEW.cost IS NULL, NEW.input_tokens, NEW.cache_read_tokens, NEW.cache_write_5m_tokens + NEW.cache_write_1h_tokens, NEW.output_tokens, NEW.thinking_tokens, coalesce(NEW.cost, 0), coalesce(NEW.charged, 0), coalesce(NEW.baseline, 0), coalesce(NEW.baseline - NEW.cost, 0)); END;
CREATE TRIGGER uncounted AFTER DELETE ON records WHEN NOT OLD.status = 'pending' BEGIN INSERT INTO counting VALUES (OLD.simulated, OLD.at, OLD.session_id, OLD.model, OLD.status, OLD.tier, OLD.task, OLD.provider, coalesce(OLD.workflow, x''), coalesce(OLD.step, x''), coalesce(OLD.notebook, x''), -(OLD.attempt = 1), -(1), -(OLD.cache_hit), -(OLD.estimated), -(OLD.cost IS NULL), -(OLD.input_tokens), -(OLD.cache_read_tokens), -(OLD.cache_write_5m_tokens + OLD.cache_write_1h_tokens), -(OLD.output_tokens), -(OLD.thinking_tokens), -(coalesce(OLD.cost, 0)), -(coalesce(OLD.charged, 0)), -(coalesce(OLD.baseline, 0)), -(coalesce(OLD.baseline - OLD.cost, 0))); END;
CREATE TRIGGER settled AFTER UPDATE ON records WHEN OLD.status = 'pending' AND NOT NEW.status = 'pending' BEGIN INSERT INTO counting VALUES (NEW.simulated, NEW.at, NEW.session_id, NEW.model, NEW.status, NEW.tier, NEW.task, NEW.provider, coalesce(NEW.workflow, x''), coalesce(NEW.step, x''), coalesce(NEW.notebook, x''), NEW.attempt = 1, 1, NEW.cache_hit, NEW.estimated, NEW.cost IS NULL, NEW.input_tokens, NEW.cache_read_tokens, NEW.cache_write_5m_tokens + NEW.cache_write_1h_tokens, NEW.output_tokens, NEW.thinking_tokens, coalesce(NEW.cost, 0), coalesce(NEW.charged, 0), coalesce(NEW.baseline, 0), coalesce(NEW.baseline - NEW.cost, 0)); END;
CREATE TRIGGER restated AFTER UPDATE ON records WHEN NOT OLD.status = 'pending' AND OLD.session_id IS NEW.session_id AND OLD.model IS NEW.model AND OLD.status IS NEW.status AND OLD.tier IS NEW.tier AND OLD.task IS NEW.task AND OLD.provider IS NEW.provider AND OLD.workflow IS NEW.workflow AND OLD.step IS NEW.step AND OLD.notebook IS NEW.notebook BEGIN INSERT INTO counting VALUES (NEW.simulated, NEW.at, NEW.session_id, NEW.model, NEW.status, NEW.tier, NEW.task, NEW.provider, coalesce(NEW.workflow, x''), coalesce(NEW.step, x''), coalesce(NEW.notebook, x''), (NEW.attempt = 1) - (OLD.attempt = 1), (1) - (1), (NEW.cache_hit) - (OLD.cache_hit), (NEW.estimated) - (OLD.estimated), (NEW.cost IS NULL) - (OLD.cost IS NULL), (NEW.input_tokens) - (OLD.input_tokens), (NEW.cache_read_tokens) - (OLD.cache_read_tokens), (NEW.cache_write_5m_tokens + NEW.cache_write_1h_tokens) - (OLD.cache_write_5m_tokens + OLD.cache_write_1h_tokens), (NEW.output_tokens) - (OLD.output_tokens), (NEW.thinking_tokens) - (OLD.thinking_tokens), (coalesce(NEW.cost, 0)) - (coalesce(OLD.cost, 0)), (coalesce(NEW.charged, 0)) - (coalesce(OLD.charged, 0)), (coalesce(NEW.baseline, 0)) - (coalesce(OLD.baseline, 0)), (coalesce(NEW.baseline - NEW.cost, 0)) - (coalesce(OLD.baseline - OLD.cost, 0))); END;
CREATE TRIGGER moved AFTER UPDATE ON records WHEN NOT OLD.status = 'pending' AND NOT (OLD.session_id IS NEW.session_id AND OLD.model IS NEW.model AND OLD.status IS NEW.status AND OLD.tier IS NEW.tier AND OLD.task IS NEW.task AND OLD.provider IS NEW.provider AND OLD.workflow IS NEW.workflow AND OLD.step IS NEW.step AND OLD.notebook IS NEW.notebook) BEGIN INSERT INTO counting VALUES (OLD.simulated, OLD.at, OLD.session_id, OLD.model, OLD.status, OLD.tier, OLD.task, OLD.provider, coalesce(OLD.workflow, x''), coalesce(OLD.step, x''), coalesce(OLD.notebook, x''), -(OLD.attempt = 1), -(1), -(OLD.cache_hit), -(OLD.estimated), -(OLD.cost IS NULL), -(OLD.input_tokens), -(OLD.cache_read_tokens), -(OLD.cache_write_5m_tokens + OLD.cache_write_1h_tokens), -(OLD.output_tokens), -(OLD.thinking_tokens), -(coalesce(OLD.cost, 0)), -(coalesce(OLD.charged, 0)), -(coalesce(OLD.baseline, 0)), -(coalesce(OLD.baseline - OLD.cost, 0))); INSERT INTO counting VALUES (NEW.simulated, NEW.at, NEW.session_id, NEW.model, NEW.status, NEW.tier, NEW.task, NEW.provider, coalesce(NEW.workflow, x''), coalesce(NEW.step, x''), coalesce(NEW.notebook, x''), NEW.attempt = 1, 1, NEW.cache_hit, NEW.estimated, NEW.cost IS NULL, NEW.input_tokens, NEW.cache_read_tokens, NEW.cache_write_5m_tokens + NEW.cache_write_1h_tokens, NEW.output_tokens, NEW.thinking_tokens, coalesce(NEW.cost, 0), coalesce(NEW.charged, 0), coalesce(NEW.baseline, 0), coalesce(NEW.baseline - NEW.cost, 0)); END;
COMMIT;
PRAGMA user_version = 2;
