BEGIN TRANSACTION;
CREATE TABLE intake (
        number INTEGER NOT NULL, id VARCHAR NOT NULL, inbox VARCHAR NOT NULL, name VARCHAR NOT NULL,
        taken JSON NOT NULL, state VARCHAR NOT NULL, at VARCHAR NOT NULL, deaths INTEGER NOT NULL,
        error JSON, settlement JSON, settled_at VARCHAR, PRIMARY KEY (number), UNIQUE (id));
INSERT INTO "intake" VALUES(1,'0hapcq01','daily','monday','{"id":"0hapcq01"}','at_work','2026-11-22T04:00:00.000Z',0,NULL,NULL,NULL);
CREATE TABLE intake_item (
        number INTEGER NOT NULL, intake_id VARCHAR NOT NULL, position INTEGER NOT NULL,
        name VARCHAR NOT NULL, job_id VARCHAR, duplicate BOOLEAN NOT NULL, error JSON,
        result JSON, PRIMARY KEY (number), FOREIGN KEY(intake_id) REFERENCES intake (id));
INSERT INTO "intake_item" VALUES(1,'0hapcq01',0,'monday','0hapcq01',0,NULL,NULL);
CREATE TABLE job (
	number INTEGER NOT NULL, 
	id VARCHAR NOT NULL, 
	idempotency_key VARCHAR, 
	source VARCHAR NOT NULL, 
	label VARCHAR NOT NULL, 
	spec JSON NOT NULL, 
	created_at VARCHAR NOT NULL, 
	priority INTEGER NOT NULL, 
	place INTEGER NOT NULL, 
	state VARCHAR NOT NULL, 
	stage VARCHAR, 
	progress FLOAT NOT NULL, 
	eta_s FLOAT, 
	attempts INTEGER NOT NULL, 
	token INTEGER NOT NULL, 
	owner VARCHAR, 
	cancel_asked BOOLEAN NOT NULL, 
	started_at VARCHAR, 
	finished_at VARCHAR, 
	error_code VARCHAR, 
	error_message VARCHAR, 
	error_hint VARCHAR, 
	output VARCHAR, 
	engines JSON NOT NULL, 
	notes JSON NOT NULL, 
	timings JSON NOT NULL, 
	reused JSON NOT NULL, out_key VARCHAR, 
	PRIMARY KEY (number), 
	UNIQUE (id), 
	UNIQUE (idempotency_key)
);
INSERT INTO "job" VALUES(1,'0hapcq01',NULL,'cli','Done','{"script": "Good morning.", "clip": "/clips/anna.mp4", "speech": null, "voice": "default", "language": "auto", "title": "Done", "subtitles": "clean", "title_style": "headline", "music": "none", "music_volume": 0.25, "seed": 1247, "out": null}','2026-07-30T09:00:07.000Z',0,1,'done',NULL,1.0,NULL,1,1,NULL,0,'2026-07-30T09:00:14.000Z','2026-07-30T09:00:21.000Z',NULL,NULL,NULL,'/videos/done.mp4','{"speech": "espeak", "lipsync": "mouthwarp"}','["a draft"]','{"speech": 1.5}','[]',NULL);
INSERT INTO "job" VALUES(2,'0hapdc02',NULL,'cli','It''s broken','{"script": "Good morning.", "clip": "/clips/anna.mp4", "speech": null, "voice": "default", "language": "auto", "title": "It''s broken", "subtitles": "clean", "title_style": "headline", "music": "none", "music_volume": 0.25, "seed": 1247, "out": null}','2026-07-30T09:00:28.000Z',0,2,'failed','lipsync',0.4,NULL,1,1,NULL,0,'2026-07-30T09:00:35.000Z','2026-07-30T09:00:42.000Z','broken','It broke','Mend it',NULL,'{}','[]','{}','[]',NULL);
INSERT INTO "job" VALUES(3,'0hape103',NULL,'cli','Running','{"script": "Good morning.", "clip": "/clips/anna.mp4", "speech": null, "voice": "default", "language": "auto", "title": "Running", "subtitles": "clean", "title_style": "headline", "music": "none", "music_volume": 0.25, "seed": 1247, "out": "/videos/a.b.mp4"}','2026-07-30T09:00:49.000Z',0,3,'running','lipsync',0.4,12.0,1,1,'host:1',0,'2026-07-30T09:00:56.000Z',NULL,NULL,NULL,NULL,NULL,'{}','[]','{"speech": 2.5}','[]','/videos/a.b');
INSERT INTO "job" VALUES(4,'0hapef04',NULL,'cli','大家早上好，今天的新闻。','{"script": "\u5927\u5bb6\u65e9\u4e0a\u597d\uff0c\u4eca\u5929\u7684\u65b0\u95fb\u3002", "clip": "/clips/anna.mp4", "speech": null, "voice": "default", "language": "auto", "title": "", "subtitles": "clean", "title_style": "headline", "music": "none", "music_volume": 0.25, "seed": 1247, "out": "/videos/news.mp4"}','2026-07-30T09:01:03.000Z',0,4,'queued',NULL,0.0,NULL,0,0,NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,'{}','[]','{}','[]','/videos/news');
INSERT INTO "job" VALUES(5,'0hapep05','k-1','cli','Urgent','{"script": "Urgent", "clip": "/clips/anna.mp4", "speech": null, "voice": "default", "language": "auto", "title": "", "subtitles": "clean", "title_style": "headline", "music": "none", "music_volume": 0.25, "seed": 1247, "out": null}','2026-07-30T09:01:10.000Z',5,5,'queued',NULL,0.0,NULL,0,0,NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,'{}','[]','{}','[]',NULL);
INSERT INTO "job" VALUES(6,'0hapex06',NULL,'cli','Cancelled','{"script": "Good morning.", "clip": "/clips/anna.mp4", "speech": null, "voice": "default", "language": "auto", "title": "Cancelled", "subtitles": "clean", "title_style": "headline", "music": "none", "music_volume": 0.25, "seed": 1247, "out": "/videos/gone.mp4"}','2026-07-30T09:01:17.000Z',0,6,'cancelled',NULL,0.0,NULL,0,0,NULL,0,NULL,'2026-07-30T09:01:24.000Z',NULL,NULL,NULL,NULL,'{}','[]','{}','[]','/videos/gone');
CREATE TABLE milestone (
        id INTEGER NOT NULL, job_id VARCHAR NOT NULL, at VARCHAR NOT NULL, name VARCHAR NOT NULL,
        facts JSON NOT NULL, PRIMARY KEY (id), FOREIGN KEY(job_id) REFERENCES job (id));
CREATE TABLE publication (
        number INTEGER NOT NULL, job_id VARCHAR NOT NULL, target VARCHAR NOT NULL, key VARCHAR NOT NULL,
        state VARCHAR NOT NULL, approval VARCHAR, place INTEGER NOT NULL, due_at VARCHAR, slot VARCHAR,
        ripe BOOLEAN NOT NULL, text JSON NOT NULL, memo JSON NOT NULL, receipt JSON,
        token INTEGER NOT NULL, tries INTEGER NOT NULL, next_try VARCHAR, day VARCHAR, error JSON,
        created_at VARCHAR NOT NULL, changed_at VARCHAR NOT NULL,
        PRIMARY KEY (number), FOREIGN KEY(job_id) REFERENCES job (id), UNIQUE (key));
CREATE TABLE publication_event (
        id INTEGER NOT NULL, publication INTEGER NOT NULL, at VARCHAR NOT NULL, name VARCHAR NOT NULL,
        facts JSON NOT NULL, PRIMARY KEY (id), FOREIGN KEY(publication) REFERENCES publication (number));
CREATE TABLE publication_target (
        name VARCHAR NOT NULL, looked_until VARCHAR, spent_until VARCHAR, paused_by VARCHAR,
        PRIMARY KEY (name));
CREATE TABLE stage_time (
        id INTEGER NOT NULL, at VARCHAR NOT NULL, stage VARCHAR NOT NULL, engine VARCHAR NOT NULL,
        seconds FLOAT NOT NULL, amount_s FLOAT NOT NULL, PRIMARY KEY (id));
CREATE TABLE telegram_chat (chat_id BIGINT NOT NULL, kind VARCHAR NOT NULL,
        title VARCHAR NOT NULL, settings JSON NOT NULL, awaited JSON NOT NULL, PRIMARY KEY (chat_id));
CREATE TABLE telegram_draft (number INTEGER NOT NULL, id VARCHAR NOT NULL,
        chat_id BIGINT NOT NULL, user_id BIGINT NOT NULL, thread_id BIGINT, language VARCHAR NOT NULL,
        state VARCHAR NOT NULL, contents JSON NOT NULL, version INTEGER NOT NULL, findings JSON,
        job_id VARCHAR, created_at VARCHAR NOT NULL, changed_at VARCHAR NOT NULL, PRIMARY KEY (number),
        UNIQUE (id));
CREATE TABLE telegram_errand (number INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
        key VARCHAR NOT NULL, kind VARCHAR NOT NULL, facts JSON NOT NULL, asked INTEGER NOT NULL,
        attempts INTEGER NOT NULL, due_at VARCHAR, at VARCHAR NOT NULL, UNIQUE (key));
CREATE TABLE telegram_file (id VARCHAR NOT NULL, chat_id BIGINT NOT NULL, role VARCHAR NOT NULL,
        kind VARCHAR NOT NULL, file_id VARCHAR NOT NULL, name VARCHAR NOT NULL, size BIGINT,
        seconds FLOAT, state VARCHAR NOT NULL, error JSON, at VARCHAR NOT NULL, used_at VARCHAR NOT NULL,
        PRIMARY KEY (id));
CREATE TABLE telegram_job (job_id VARCHAR NOT NULL, chat_id BIGINT NOT NULL,
        user_id BIGINT NOT NULL, thread_id BIGINT, draft_id VARCHAR NOT NULL, reply_to BIGINT,
        language VARCHAR NOT NULL, run INTEGER NOT NULL, told VARCHAR, PRIMARY KEY (job_id));
CREATE TABLE telegram_message (number INTEGER NOT NULL, chat_id BIGINT NOT NULL,
        key VARCHAR NOT NULL, rank INTEGER NOT NULL, repeatable BOOLEAN NOT NULL, state VARCHAR NOT NULL,
        wanted JSON, version INTEGER NOT NULL, shown INTEGER NOT NULL, kind VARCHAR NOT NULL,
        message_id BIGINT, reply_to BIGINT, thread_id BIGINT, attempts INTEGER NOT NULL, due_at VARCHAR,
        error VARCHAR, at VARCHAR NOT NULL, changed_at VARCHAR NOT NULL, PRIMARY KEY (number),
        UNIQUE (key));
CREATE TABLE telegram_pairing (id INTEGER NOT NULL, digest VARCHAR NOT NULL,
        salt VARCHAR NOT NULL, until VARCHAR NOT NULL, wrong JSON NOT NULL, PRIMARY KEY (id));
CREATE TABLE telegram_person (user_id BIGINT NOT NULL, name VARCHAR NOT NULL,
        language VARCHAR NOT NULL, standing VARCHAR NOT NULL, told_at VARCHAR, PRIMARY KEY (user_id));
CREATE TABLE telegram_presenter (number INTEGER NOT NULL, chat_id BIGINT NOT NULL,
        name VARCHAR NOT NULL, file_id VARCHAR NOT NULL, at VARCHAR NOT NULL, PRIMARY KEY (number),
        FOREIGN KEY(file_id) REFERENCES telegram_file (id));
CREATE TABLE telegram_update (number INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
        update_id BIGINT NOT NULL, at VARCHAR NOT NULL, UNIQUE (update_id));
CREATE INDEX next_in_line ON job (state, priority DESC, place);
CREATE UNIQUE INDEX one_running ON job (state) WHERE state = 'running';
CREATE INDEX who_writes_there ON job (out_key, state);
CREATE INDEX end_of_line ON job (place);
CREATE INDEX ix_milestone_job_id ON milestone (job_id);
CREATE INDEX times_of_a_stage ON stage_time (stage, engine);
CREATE INDEX unsettled ON intake (inbox, number) WHERE state != 'settled';
CREATE INDEX intakes_of_a_name ON intake (inbox, name);
CREATE UNIQUE INDEX items_of_an_intake ON intake_item (intake_id, position);
CREATE INDEX ix_intake_item_job_id ON intake_item (job_id);
CREATE INDEX updates_by_time ON telegram_update (at);
CREATE INDEX messages_by_state ON telegram_message (state, changed_at);
CREATE INDEX messages_to_send ON telegram_message (chat_id, number)
        WHERE state = 'due' OR state = 'sending' OR (state = 'shown' AND shown != version);
CREATE INDEX messages_with_an_id ON telegram_message (chat_id, message_id);
CREATE INDEX drafts_of_a_person ON telegram_draft (chat_id, user_id, number);
CREATE INDEX ix_telegram_draft_job_id ON telegram_draft (job_id);
CREATE INDEX ix_telegram_job_chat_id ON telegram_job (chat_id);
CREATE INDEX ix_telegram_job_told ON telegram_job (told);
CREATE UNIQUE INDEX presenters_of_a_chat ON telegram_presenter (chat_id, name);
CREATE UNIQUE INDEX once ON publication (job_id, target);
CREATE UNIQUE INDEX one_sending ON publication (target) WHERE state = 'sending';
CREATE UNIQUE INDEX slot_used ON publication (target, slot);
CREATE INDEX next_publication ON publication (target, state, place);
CREATE INDEX taken_on ON publication (target, day);
CREATE INDEX ix_publication_event_publication ON publication_event (publication);
DELETE FROM "sqlite_sequence";
COMMIT;
PRAGMA user_version = 6;
