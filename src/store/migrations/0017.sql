-- What programs have registered: a row beside the number that its name has in `subscriptions`. `content` is what it
-- means, secrets included; `request` is what reads give back.
CREATE TABLE registrations (
    subscription INTEGER PRIMARY KEY, dialect TEXT NOT NULL, tenant TEXT NOT NULL, owner TEXT NOT NULL,
    created INTEGER NOT NULL, updated INTEGER NOT NULL, content TEXT NOT NULL, request TEXT NOT NULL
);
-- A dialect lists what a tenant has registered in it.
CREATE INDEX registrations_dialect ON registrations (dialect, tenant, subscription);
