// For mongosh: makes the replica set and the user of Quipu. Done again it changes nothing but the user's password.
const { MONGODB_ROOT_PASSWORD, MONGODB_PASSWORD } = process.env;

function connected() {
  for (let attempt = 1; ; attempt++) {
    try {
      return connect(`mongodb://root:${encodeURIComponent(MONGODB_ROOT_PASSWORD)}@mongodb:27017/admin?directConnection=true`);
    } catch (error) {
      // Its first start ends and begins once more.
      if (attempt === 60) throw error;
      sleep(1000);
    }
  }
}

const admin = connected();
try {
  admin.adminCommand({ replSetGetStatus: 1 });
} catch (error) {
  if (error.codeName !== 'NotYetInitialized') throw error;
  admin.adminCommand({ replSetInitiate: { _id: 'rs0', members: [{ _id: 0, host: 'mongodb:27017' }] } });
}
while (!admin.hello().isWritablePrimary) sleep(200);

const quipu = admin.getSiblingDB('quipu');
const roles = [{ role: 'readWrite', db: 'quipu' }, { role: 'dbAdmin', db: 'quipu' }];
if (quipu.getUser('quipu')) quipu.updateUser('quipu', { pwd: MONGODB_PASSWORD, roles });
else quipu.createUser({ user: 'quipu', pwd: MONGODB_PASSWORD, roles });
print('The replica set and the user are there.');
