import type { FastifyInstance } from 'fastify';
import '../auth/request.js';
import { backupRoutes } from './routes.js';
import type { BackupService } from './service.js';

/** What `backupPlugin` needs. */
export interface BackupOptions {
  backup: BackupService;
}

/** Backup of the running server; to be registered with the prefix `/v1`, where `authPlugin` is. */
export async function backupPlugin(app: FastifyInstance, options: BackupOptions): Promise<void> {
  backupRoutes(app, options);
}
