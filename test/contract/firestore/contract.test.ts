import { onEveryBackend } from './backends.ts';
import { documents } from './suites/documents.ts';
import { limits } from './suites/limits.ts';
import { listeners } from './suites/listeners.ts';
import { queries } from './suites/queries.ts';
import { transactions } from './suites/transactions.ts';

onEveryBackend({ documents, limits, listeners, queries, transactions });
