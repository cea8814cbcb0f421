// The settings of a soak's deployment: hours become seconds, so that minutes see what takes weeks.

/** Seconds. */
export const AGES = {
  /** A source is looked at again, and an image of an older revision is served at most. */
  fresh: 4,
  stale: 45,
  /** What nobody has used, blobs that nothing names, and how long they are served after that was found. */
  keep: 40,
  grace: 15,
  tombstone: 25,
} as const;

/**
 * How long a blob can be had after a manifest that names it was answered, whatever is collected meanwhile: for three quarters of
 * the time that blobs are served on (core/google/retention-settings.ts), less what an answer takes. Milliseconds.
 */
export const PROMISED_MS = (0.75 * AGES.tombstone - 3) * 1000;

const HOUR = 3600;

/** What all programs are given besides where the services are. */
export const COMMON_SETTINGS = {
  DERIVERY_FRESH_SECONDS: String(AGES.fresh),
  DERIVERY_STALE_SECONDS: String(AGES.stale),
  DERIVERY_KEEP_DAYS: String(AGES.keep / HOUR / 24),
  DERIVERY_BLOB_GRACE_HOURS: String(AGES.grace / HOUR),
  DERIVERY_TOMBSTONE_HOURS: String(AGES.tombstone / HOUR),
};

export const REGISTRY_SETTINGS = {
  DERIVERY_HOLD_SECONDS: '3',
  DERIVERY_LONG_HOLD_SECONDS: '6',
  DERIVERY_RETRY_SECONDS: '1',
  DERIVERY_TAG_CACHE_SECONDS: '1',
};

export const WORKER_SETTINGS = {
  DERIVERY_BUILD_SLOTS: '2',
  DERIVERY_LEASE_SECONDS: '6',
};
