-- The list of members of a cluster in PostgreSQL: the tables, and the queries that Orleans reads from OrleansQuery by
-- their keys. Each change of a member counts the version of the list up, and is made only where nobody was before.

CREATE TABLE OrleansQuery (QueryKey text PRIMARY KEY, QueryText text NOT NULL);

CREATE TABLE Version (
    DeploymentId text PRIMARY KEY,
    Timestamp timestamptz NOT NULL DEFAULT now(),
    Version integer NOT NULL DEFAULT 0);

CREATE TABLE Member (
    DeploymentId text NOT NULL REFERENCES Version,
    Address text NOT NULL,
    Port integer NOT NULL,
    Generation integer NOT NULL,
    SiloName text NOT NULL,
    HostName text NOT NULL,
    Status integer NOT NULL,
    ProxyPort integer,
    SuspectTimes text,
    StartTime timestamptz NOT NULL,
    IAmAliveTime timestamptz NOT NULL,
    PRIMARY KEY (DeploymentId, Address, Port, Generation));

CREATE VIEW MemberList AS
    SELECT v.DeploymentId, m.Address, m.Port, m.Generation, m.SiloName, m.HostName, m.Status, m.ProxyPort,
        m.SuspectTimes, m.StartTime, m.IAmAliveTime, v.Version
    FROM Version v LEFT JOIN Member m ON m.DeploymentId = v.DeploymentId;

INSERT INTO OrleansQuery VALUES
('InsertMembershipVersionKey',
 'WITH made AS (INSERT INTO Version (DeploymentId) VALUES (@DeploymentId) ON CONFLICT DO NOTHING RETURNING 1)
  SELECT count(*)::integer FROM made'),

('InsertMembershipKey',
 'WITH counted AS (
    UPDATE Version SET Version = Version + 1, Timestamp = now()
    WHERE DeploymentId = @DeploymentId AND Version = @Version
      AND NOT EXISTS (SELECT 1 FROM Member WHERE DeploymentId = @DeploymentId AND Address = @Address AND Port = @Port
        AND Generation = @Generation)
    RETURNING DeploymentId),
  made AS (
    INSERT INTO Member
    SELECT DeploymentId, @Address, @Port, @Generation, @SiloName, @HostName, @Status, @ProxyPort, NULL, @StartTime,
      @IAmAliveTime
    FROM counted RETURNING 1)
  SELECT count(*)::integer FROM made'),

('UpdateMembershipKey',
 'WITH counted AS (
    UPDATE Version SET Version = Version + 1, Timestamp = now()
    WHERE DeploymentId = @DeploymentId AND Version = @Version RETURNING DeploymentId),
  changed AS (
    UPDATE Member m SET Status = @Status, SuspectTimes = @SuspectTimes, IAmAliveTime = @IAmAliveTime
    FROM counted WHERE m.DeploymentId = counted.DeploymentId AND m.Address = @Address AND m.Port = @Port
      AND m.Generation = @Generation
    RETURNING 1)
  SELECT count(*)::integer FROM changed'),

('UpdateIAmAlivetimeKey',
 'UPDATE Member SET IAmAliveTime = @IAmAliveTime
  WHERE DeploymentId = @DeploymentId AND Address = @Address AND Port = @Port AND Generation = @Generation'),

('MembershipReadRowKey',
 'SELECT * FROM MemberList WHERE DeploymentId = @DeploymentId
    AND (Address = @Address AND Port = @Port AND Generation = @Generation OR Address IS NULL)'),

('MembershipReadAllKey', 'SELECT * FROM MemberList WHERE DeploymentId = @DeploymentId'),

('GatewaysQueryKey',
 'SELECT Address, ProxyPort, Generation FROM Member
  WHERE DeploymentId = @DeploymentId AND Status = @Status AND ProxyPort > 0'),

('DeleteMembershipTableEntriesKey',
 'WITH members AS (DELETE FROM Member WHERE DeploymentId = @DeploymentId)
  DELETE FROM Version WHERE DeploymentId = @DeploymentId'),

('CleanupDefunctSiloEntriesKey',
 'DELETE FROM Member WHERE DeploymentId = @DeploymentId AND Status <> 3 AND IAmAliveTime < @IAmAliveTime');
